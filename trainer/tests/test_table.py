"""Data that isn't what the recipe says stops the run, with a sentence that names row and column."""

import pytest
from conftest import every_kind_rows

from plumb_trainer.data.table import read_table
from plumb_trainer.errors import TrainerError
from plumb_trainer.recipe.document import read_recipe


def with_cell(row, column, text):
    """Return the lines of the small table with one cell changed; rows count from 1."""
    lines = every_kind_rows(30)
    header, cells = lines[0].split(","), lines[row].split(",")
    cells[header.index(column)] = text
    lines[row] = ",".join(cells)
    return lines


def problems_of(path):
    """Return the sentences with which reading a recipe's data stops."""
    with pytest.raises(TrainerError) as caught:
        read_table(read_recipe(path))
    return caught.value.problems


@pytest.mark.parametrize(
    ("row", "column", "text", "sentence"),
    [
        (4, "price", "", 'row 4, column "price": expected a number, got a missing value'),
        (4, "price", "NaN", 'row 4, column "price": expected a number, got a missing value'),
        (4, "guests", "n/a", 'row 4, column "guests": expected an integer, got a missing value'),
        (4, "city", "", 'row 4, column "city": expected a text, got a missing value'),
        (4, "sold", "", 'row 4, column "sold": expected a number, got a missing value'),
        (4, "day", "", 'row 4, column "day": expected a date, got a missing value'),
        (7, "price", "twelve", 'row 7, column "price": expected a number, got "twelve"'),
        (7, "price", "1_000", 'row 7, column "price": expected a number, got "1_000"'),
        (7, "price", "inf", 'row 7, column "price": expected a number, got "inf"'),
        (7, "wind", "1e999", 'row 7, column "wind": expected a number that a float64 holds, got "1e999"'),
        (7, "guests", "0.5", 'row 7, column "guests": expected an integer of at most 2^53 - 1, got "0.5"'),
        (7, "guests", "9007199254740993", 'row 7, column "guests": expected an integer of at most 2^53 - 1, got "9007199254740993"'),
        (7, "open", "yes", 'row 7, column "open": expected true or false, got "yes"'),
        (7, "day", "yesterday", 'row 7, column "day": expected a date such as 2022-01-31, got "yesterday"'),
        (2, "price", "-0.01", 'row 2, column "price": expected a value at least 0 and at most 1000, got "-0.01"'),
        (2, "price", "1000.5", 'row 2, column "price": expected a value at least 0 and at most 1000, got "1000.5"'),
        (2, "guests", "-1", 'row 2, column "guests": expected a value over -1, got "-1"'),
        (5, "day", "2024-01-03", 'row 5, column "day": expected a date after the row before\'s, "2024-01-04", got "2024-01-03"'),
        (5, "day", "2024-01-04", 'row 5, column "day": expected a date after the row before\'s, "2024-01-04", got "2024-01-04"'),
        (5, "day", "2024-01-04T00:00:00Z", "expected all times with an offset or none"),
        (3, "age", "forty", 'row 3, column "age": expected a number, got another value'),
    ],
)
def test_a_wrong_value_is_named_by_row_and_column(write_recipe, row, column, text, sentence):
    problems = problems_of(write_recipe(lines=with_cell(row, column, text)))
    assert sentence in problems[0]
    assert all("data.csv, row" in problem for problem in problems)


def test_a_key_that_comes_twice_is_named_with_both_rows(write_recipe):
    path = write_recipe(lambda recipe: recipe["data"].update(key=["city", "price"]), with_cell(11, "price", "10.0"))
    # Row 1 is Oslo at 10.0, and so is row 11 now.
    assert problems_of(path) == [
        f'{path.parent / "data.csv"}, row 11, column "city", "price": expected a key that no other row has, got "Oslo", "10.0" as in row 1'
    ]


def test_a_key_of_personal_data_is_not_repeated(write_recipe):
    path = write_recipe(lambda recipe: recipe["data"].update(key=["age"]), every_kind_rows(60))
    assert problems_of(path)[0].endswith('row 51, column "age": expected a key that no other row has, got one as in row 1')


def test_all_faults_are_told_until_they_are_too_many(write_recipe):
    lines = [line.replace("2024-", "") if row else line for row, line in enumerate(every_kind_rows(100))]
    problems = problems_of(write_recipe(lines=lines))
    assert len(problems) == 21
    assert problems[-1].endswith("80 more faults like these")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["day,price"], 'expected a column "wind", got "day", "price"'),
        (["day,price,price,wind,guests,age,open,city,grade,weekday,sold"], 'expected each column once, got "price" again'),
        ([*every_kind_rows(3), "2024-02-01,1,2"], "row 4: expected 10 values, got 3"),
        ([*every_kind_rows(3), '2024-02-01,"1'], "not valid CSV"),
    ],
)
def test_a_file_of_another_shape_is_refused(write_recipe, lines, sentence):
    assert sentence in problems_of(write_recipe(lines=lines))[0]


def test_a_file_that_is_not_utf8_is_refused(write_recipe):
    path = write_recipe()
    (path.parent / "data.csv").write_bytes(b"day,\xff")
    assert "expected text in UTF-8, got another byte at position 4" in problems_of(path)[0]


def test_a_missing_file_is_told(write_recipe):
    path = write_recipe(lambda recipe: recipe["data"].update(file="elsewhere.csv"))
    assert "elsewhere.csv: the data can't be read" in problems_of(path)[0]


def test_decimals_are_read_to_the_last_bit(write_recipe):
    table = read_table(read_recipe(write_recipe(lines=with_cell(1, "wind", "0.1000000000000000055511151231257827"))))
    assert table.columns["wind"][0] == 0.1
    assert table.columns["wind"].dtype == "float64"
    assert table.columns["guests"].dtype == "int64"
