"""The market of version 1: factors of low volatility, and an alpha that single characteristics reveal."""

import numpy as np

from tasks.simulation.companies import Companies, Slots, Values
from tasks.simulation.fundamentals import Reports
from tasks.simulation.mechanics import Move, News
from tasks.simulation.parameters import Parameters
from tasks.simulation.regimes import simulate_path
from tasks.simulation.trading import draw_turnover
from tasks.simulation.version_1 import alpha, prices


class FirstMechanics:
    """The mechanics of version 1."""

    def __init__(self, parameters: Parameters, companies: Companies, count: int) -> None:
        self.strength = parameters.information_coefficient
        self.companies = companies
        self.path = simulate_path(parameters, count)
        self.draws, self.volume = prices.Draws(parameters), parameters.generator("volume")
        self.state = alpha.new_state(companies)
        self.expected = np.zeros(companies.count)

    def reset(self, slots: Slots) -> None:
        """Forget the companies that were in the slots."""
        alpha.reset(self.state, self.companies, slots)

    def move(self, row: int, news: News) -> Move:
        """Draw the returns and volume of a session."""
        market = self.market = prices.MarketSession(
            self.path.drift[row], self.path.volatility[row], self.path.shock[row]
        )
        moved = prices.draw_returns(self.companies, market, self.expected, self.draws)
        self.returns = moved.returns
        self.returns[news.jumping] = news.jumps
        self.log_turnover = draw_turnover(
            self.companies, moved.surprise, market.volatility_factor, news.jumping, self.volume
        )
        return Move(self.returns, None, moved.own_volatility, self.log_turnover, None)

    def expect(self, row: int, levels: Values, reports: Reports) -> Values:
        """Return the planted log returns of the next session."""
        market, companies = self.market, self.companies
        residual = self.returns - market.drift - market.shock
        alpha.update(self.state, companies, row, levels[row], residual, self.log_turnover)
        if self.strength > 0:
            values, exists = alpha.characteristics(self.state, companies, reports, levels, row)
            own = prices.own_volatility(companies, market)
            spread = prices.spread_of_returns(companies, market, own)
            self.expected = alpha.planted_returns(values, exists, own, spread, strength=self.strength)
        return self.expected
