"""What can be done with a history: the operations that features are made of, by number.

An operation works on whole histories, row by row. Those of LOOKS_BACK also reach `size` rows back in some of their
parts, and nothing reaches further or forward: a feature cannot look at later rows, nor at rows that its window lacks.
"""

(
    CONSTANT,
    INPUT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    POWER,
    MAXIMUM,
    MINIMUM,
    NEGATIVE,
    ABSOLUTE,
    SIGN,
    SQRT,
    LOG,
    LOG1P,
    TANH,
    LESS,
    LESS_EQUAL,
    EQUAL,
    IS_MISSING,
    AND,
    OR,
    NOT,
    SELECT,
    FILL,  # what is there, or the number where nothing is
    WHERE_KNOWN,  # the first part where the second is not missing
    RUNNING,  # the sum of whole numbers from any row on: only differences of it mean anything, and they are exact
    AROUND,  # the first part less the product of the others: sums of products to those around the means
    CANCELLED,  # whether the spread is too small a part (the number) of the squares to be told by them
    LAG,
    ROW,  # the row's number: only differences of it mean anything
    DIFFERENCE,  # of a running sum, over `size` rows and the row itself, missing below the number; the second part is
    # what was summed
    MERGE,  # the later part + number × the earlier one, which ends `size` rows before
    MERGE_MAX,
    MERGE_MIN,
    MERGE_SINCE,  # how long ago the larger of two maxima was, the earlier of equals
    PLACE,  # the part so far + 1 for each row from `number` to `size` back that is smaller than the row, ½ for equals
    QUANTILE,
    WEIGHTED,
    DEVIATIONS,  # the sum of deviations from the second part, to the power of the number
    DIRECTLY,  # the first part; where the second says so, the moment that `number` names of the last two
    KEEP,  # writes a feature's figures
) = range(42)

MASKS = {LESS, LESS_EQUAL, EQUAL, IS_MISSING, AND, OR, NOT}

LOOKS_BACK = {  # in which of its parts
    LAG: (0,),
    DIFFERENCE: (0, 1),
    MERGE: (1,),
    MERGE_MAX: (1,),
    MERGE_MIN: (1,),
    MERGE_SINCE: (1, 3),
    PLACE: (1,),
    QUANTILE: (0,),
    WEIGHTED: (0,),
    DEVIATIONS: (0,),
    DIRECTLY: (2, 3),
}

MEAN, SPREAD, PRODUCT = range(
    3
)  # what DIRECTLY finds: of the last part its mean, of both their deviations' products

LINE = 8  # figures in a line of the processor's cache: loops that begin with one are faster
