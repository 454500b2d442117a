"""POST /predict/arithmetic and POST /predict/image."""

from fastapi import APIRouter
from starlette.responses import Response

from app.codecs.images import ImageRequest
from app.codecs.tabular import TabularRequest
from app.http.context import RequestContext
from app.http.routing import DirectRoute
from app.schemas import ArithmeticRequest, ArithmeticResponse, ImageForm, ImageResponse, body_of, problems

PICTURE_TYPES = "image/png, image/jpeg, image/webp"

router = APIRouter(prefix="/predict", tags=["predict"], route_class=DirectRoute)


@router.post(
    "/arithmetic",
    summary="Numbers in, numbers out",
    response_model=ArithmeticResponse,
    responses=problems(404, 408, 413, 422, 503),
    openapi_extra=body_of("application/json", ArithmeticRequest),
)
async def predict_arithmetic(context: RequestContext) -> Response:
    """Answer rows of numbers with an arithmetic model.

    Numbers are float64 from end to end. `extrapolated` tells which rows lie outside the range that the model was
    trained on. A result that is not finite, such as a division by zero, is null and named in `warnings`; it never
    fails its neighbours.
    """
    rows = TabularRequest(context, await context.body())
    return rows.response(await rows.outputs())


@router.post(
    "/image",
    summary="Pictures in, values or labels out",
    response_model=ImageResponse,
    responses=problems(404, 408, 413, 415, 422, 503),
    openapi_extra=body_of("multipart/form-data", ImageForm, files=PICTURE_TYPES),
)
async def predict_image(context: RequestContext) -> Response:
    """Answer pictures (PNG, JPEG or WebP) with a picture model, one prediction a file, in their order.

    A value beyond those that the model was trained on, by more than a twentieth of their range, and a result that is
    not finite are named in `warnings`. Models whose manifest says `resize: false` take one size, or any from one on.

    A digit to try it with lies at [/docs/digit.png](/docs/digit.png), several at [/docs/digits.png](/docs/digits.png):

        curl -s localhost:8000/docs/digit.png -o digit.png
        curl -s localhost:8000/predict/image -F model=digit -F files=@digit.png
        curl -s localhost:8000/docs/digits.png -o digits.png
        curl -s localhost:8000/predict/image -F model=digit-sum -F files=@digits.png
    """
    context.service.batching.queue_limiter.check(1, 1)  # what would be refused anyway is refused before it is read
    pictures = ImageRequest(context, await context.body())
    return pictures.response(await pictures.outputs())
