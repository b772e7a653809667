"""What a network's file says of it, besides the weights; read without torch."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from core.errors import UserError
from core.store import cannot_read

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Header:
    """What a network's file says of it.

    `alpha`, `seed` and `teacher` (the digest of the teacher it learned from) are None where they do not apply;
    `digest` names the weights and is filled in by `core.models.save_model`. A file speaks of an `explanation_weight`
    where there is one, so that without it its bytes are what they were before there was any.
    """

    architecture: Annotated[str, Field(max_length=64)]
    width: Annotated[float, Field(gt=0, le=1)]
    stem: Annotated[str, Field(pattern="^(imagenet|small)$")]
    classes: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_CLASSES)]
    image_size: Annotated[int, Field(ge=1, le=1024)]
    mean: tuple[Number, Number, Number]
    std: tuple[Positive, Positive, Positive]
    alpha: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    teacher: str | None = None
    digest: str = ""
    explanation_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


_CHECKED = TypeAdapter(Header)


def read_header(path: Path) -> Header:
    """Read what a network's file says of itself.

    Raises
    ------
    UserError
        The file is missing or damaged, or says what cannot be.
    """
    try:
        with safe_open(path, "np") as file:
            meta = {"explanation_weight": "0.0", **(file.metadata() or {})}
        text = ", ".join(f'"{field.name}": {meta[field.name]}' for field in fields(Header))
        return _CHECKED.validate_json(f"{{{text}}}", strict=True)
    except OSError as error:
        raise cannot_read(path, error) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        about = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except KeyError as error:
        about = f"it says no {error.args[0]}"
    except SafetensorError as error:
        about = str(error).removeprefix("Error while deserializing header: ")
    raise UserError(f"{path} is damaged or not one of this tool's networks ({about}).")
