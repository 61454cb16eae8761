"""The market of version 2: signals are as hard to find in it as in a real market."""

import numpy as np

from tasks.simulation.companies import Companies, Slots, Values
from tasks.simulation.fundamentals import Reports
from tasks.simulation.mechanics import Move, News
from tasks.simulation.parameters import Parameters
from tasks.simulation.trading import draw_turnover
from tasks.simulation.version_2 import alpha, prices, styles
from tasks.simulation.version_2.market import simulate_second_path


class SecondMechanics:
    """The mechanics of version 2."""

    def __init__(self, parameters: Parameters, companies: Companies, count: int) -> None:
        self.strength = parameters.information_coefficient
        self.companies = companies
        self.path = simulate_second_path(parameters, count)
        self.draws, self.style_draws = prices.Draws(parameters), styles.StyleDraws(parameters)
        self.volume = parameters.generator("volume")
        self.unrest = prices.new_unrest(companies.count)
        prices.complete(companies, self.unrest, np.arange(companies.count), self.draws)
        self.styles, self.alpha = styles.new_state(companies), alpha.new_state(count, companies.count)
        self.expected = np.zeros(companies.count)

    def reset(self, slots: Slots) -> None:
        """Forget the companies that were in the slots, and complete the new ones."""
        prices.complete(self.companies, self.unrest, slots, self.draws)
        styles.reset(self.styles, self.companies, slots)

    def move(self, row: int, news: News) -> Move:
        """Draw the returns and volume of a session."""
        companies, market = self.companies, self._market(row)
        factor = prices.volatility_factor(market.volatility)
        returns = styles.draw_factors(self.styles, factor, market.drift + market.shock, self.style_draws)
        moved = prices.draw_move(
            companies,
            self.unrest,
            market,
            returns @ self.styles.exposures,
            self.expected,
            news,
            self.draws,
        )
        self.returns = moved.returns
        self.log_turnover = draw_turnover(companies, moved.surprise, factor, news.jumping, self.volume)
        return Move(moved.returns, moved.overnight, moved.own_volatility, self.log_turnover, moved.own)

    def _market(self, row: int) -> prices.MarketSession:
        path, night = self.path, self.path.overnight
        overnight = 0.0 if night is None else float(night[row])
        return prices.MarketSession(
            float(path.drift[row]), float(path.volatility[row]), float(path.shock[row]), overnight
        )

    def expect(self, row: int, levels: Values, reports: Reports) -> Values:
        """Return the planted log returns of the next session."""
        companies, index = self.companies, float(self.path.volatility_index[row])
        styles.update(self.styles, companies, reports, levels, self.returns, row)
        alpha.update(self.alpha, row, self.returns, self.log_turnover, index)
        if self.strength > 0:
            scores = alpha.scores(self.alpha, companies, reports, levels, row, self.styles.exposures, index)
            own = prices.own_volatility(companies, self.unrest, float(self.path.volatility[row]))
            self.expected = alpha.planted_returns(scores, own, strength=self.strength)
        return self.expected
