"""Writes schema.json: what a row must hold, inferred from the recipe and from what the pipeline has learnt.

Every feature is required. One may be null only where the pipeline has learnt what a missing value means, and only an
encoder that raises on unknown values makes an enum of its categories: everything else is served as training defined it.
"""

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from plumb_trainer.errors import TrainerError
from plumb_trainer.features import Cross, DateParts
from plumb_trainer.graph.export import readers
from plumb_trainer.graph.fixed_steps import CategoryCodes
from plumb_trainer.graph.operators import OPERATORS, category_form


def schema_document(recipe, preprocessing):
    """Return schema.json.

    Parameters
    ----------
    recipe : Recipe
    preprocessing : ColumnTransformer
        Fitted.

    Returns
    -------
    dict

    Raises
    ------
    TrainerError
        Where an encoder has learnt values of personal data, which a bundle must not hold, or a recipe's range has no
        place beside an enum.
    """
    properties = {feature.name: _property(feature, preprocessing) for feature in recipe.features}
    return {
        "type": "object",
        "title": recipe.title,
        **({"description": recipe.description} if recipe.description else {}),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nullable_features(recipe, preprocessing):
    """Return the names of the features that may be missing."""
    return {feature.name for feature in recipe.features if _takes_missing(feature.name, preprocessing)}


def known_categories(preprocessing, feature):
    """Return the categories that encoders have learnt of a feature, and whether one of these encoders raises on others.

    Parameters
    ----------
    preprocessing : ColumnTransformer
    feature : str

    Returns
    -------
    (list of scalars, bool)
        Missing is not among the categories; an empty list where no encoder reads the feature's own values.
    """
    found, strict = [], False
    for steps, index in readers(preprocessing, feature):
        for encoder in filter(_is_encoder, steps):
            if encoder.categories_[index] is None:
                # Codes of other columns.
                continue
            categories = [category_form(value) for value in encoder.categories_[index]]
            found += [value for value in categories if value is not None and value not in found]
            strict = strict or getattr(encoder, "handle_unknown", None) == "error"
    return found, strict


def _property(feature, preprocessing):
    nullable = _takes_missing(feature.name, preprocessing)
    categories, strict = known_categories(preprocessing, feature.name)
    # What reads a cross is an encoder, which learns the values in it; a vectorizer learns words.
    learns = any(isinstance(step, Cross | CountVectorizer) for steps, _ in readers(preprocessing, feature.name) for step in steps)
    if feature.pii and (categories or learns):
        raise TrainerError(f'feature "{feature.name}" is personal data, but an encoder has learnt its values, which the bundle would hold')
    if strict and feature.ranges:
        raise TrainerError(f'feature "{feature.name}": take its range out, since the encoder admits exactly the values it has learnt')
    described = {"title": feature.title, "description": feature.description, "examples": list(feature.examples), "x-unit": feature.unit}
    kind = "array" if feature.item_type else feature.type
    return {
        "type": [kind, "null"] if nullable else kind,
        **({"items": {"type": feature.item_type}} if feature.item_type else {}),
        **({} if strict else _date_format(feature, preprocessing)),
        **feature.ranges,
        **({"enum": categories + ([None] if nullable else [])} if strict else {}),
        **({"x-known-categories": categories} if categories and not strict else {}),
        **{keyword: value for keyword, value in described.items() if value},
        **({"x-pii": True} if feature.pii else {}),
    }


def _date_format(feature, preprocessing):
    """Return the format keyword of a feature whose text is read as a date: every other text would be refused by the step."""
    formats = {step.format for steps, _ in readers(preprocessing, feature.name) for step in steps if isinstance(step, DateParts)}
    if len(formats) > 1:
        raise TrainerError(f'feature "{feature.name}": one step reads it as a date and another as a date-time; make two features of it')
    return {"format": formats.pop()} if formats else {}


def _takes_missing(feature, preprocessing):
    """Tell whether each branch that reads the feature has learnt what to do where it is missing."""
    return all(steps and _step_takes_missing(steps[0], index) for steps, index in readers(preprocessing, feature))


def _step_takes_missing(step, index):
    if isinstance(step, CategoryCodes):
        return step.categories_[index] is not None
    operator = OPERATORS.get(type(step))
    return operator is not None and operator.takes_missing(step, index)


def _is_encoder(step):
    return isinstance(step, OneHotEncoder | OrdinalEncoder | TargetEncoder | CategoryCodes)
