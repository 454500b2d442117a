"""POST /predict/arithmetic and POST /predict/image."""

from starlette.responses import Response

from app.codecs.image_schemas import ImageForm, ImagesInJSON
from app.codecs.tables.media_types import reject_query, table_type
from app.http.context import RequestContext
from app.http.problems import ENCODING_EXAMPLE, openapi_problems
from app.http.request_body import body_of, query_of, schema_of, table_bodies, table_response
from app.http.responses import RawJSONResponse
from app.http.routing import direct_router
from app.routes.image_request import ImageRequest
from app.routes.table_request import TableRequest
from app.routes.tabular_request import TabularRequest
from app.schemas import ArithmeticRequest, ArithmeticResponse, ImageResponse, TableQuery
from app.service import ServiceDep

IMAGE_TYPES = ", ".join(
    f"image/{kind}" for kind in ("png", "jpeg", "webp", "gif", "bmp", "tiff", "avif", "x-portable-anymap", "heic")
)

router = direct_router(prefix="/predict", tags=["predict"])


@router.post(
    "/arithmetic",
    summary="Numbers in, numbers out",
    response_model=ArithmeticResponse,
    responses=table_response() | openapi_problems(404, 408, 413, 415, 422, 503, status_415=ENCODING_EXAMPLE),
    openapi_extra=body_of({"application/json": schema_of(ArithmeticRequest)} | table_bodies()) | query_of(TableQuery),
)
async def predict_arithmetic(service: ServiceDep, context: RequestContext) -> Response:
    """Predict for rows of numbers with an arithmetic model.

    Numbers are float64 from end to end. `extrapolated` marks the rows outside the model's training range. A result
    that is not finite, as after a division by zero, is null and listed in `warnings`; other rows are not affected.
    The body's Content-Encoding may be gzip or deflate.

    A table, as CSV or as an Arrow stream, names its model in the query. Its first line, or its schema, names the
    columns, in any order; further columns are passed through. The answer is the table with the columns `predicted_y`
    for each output y, `extrapolated` and `warnings`, in the type of the body or the one that `Accept` prefers, which
    may be JSON. Example: [an Arrow stream](docs/table.arrows).

        curl -s 'localhost:8000/predict/arithmetic?model=add' -H 'Content-Type: text/csv' --data-binary @table.csv
    """
    kind = table_type(context.head.content_type)
    if kind is not None:
        return await TableRequest(service, context, kind).respond()
    reject_query(context.scope["query_string"])
    request = TabularRequest(service, context, await context.body())
    return RawJSONResponse(request.encode(await request.outputs()))


@router.post(
    "/image",
    summary="Images in, values or labels out",
    response_model=ImageResponse,
    responses=openapi_problems(404, 408, 413, 415, 422, 503),
    openapi_extra=body_of(
        {"multipart/form-data": schema_of(ImageForm, files=IMAGE_TYPES), "application/json": schema_of(ImagesInJSON)}
    ),
)
async def predict_image(service: ServiceDep, context: RequestContext) -> Response:
    """Predict for images with an image model: one prediction a file, in their order.

    The images are the files of a form, or base64 in JSON.

    PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF and Netpbm are read, and HEIC with the extra `heic`. The content decides, not
    the name. Of several frames or pages, the first is read.

    `warnings` lists results that are not finite, values outside those of the training by more than a twentieth of their
    range, and files that lack only their end marker. Models with `resize: false` in their manifest take images of one
    size, or of at least one size.

    The body's Content-Encoding may be gzip or deflate.

    Example images: [one digit](docs/digit.png), [several digits](docs/digits.png).

        curl -s localhost:8000/docs/digit.png -o digit.png
        curl -s localhost:8000/predict/image -F model=digit -F files=@digit.png
        curl -s localhost:8000/docs/digits.png -o digits.png
        curl -s localhost:8000/predict/image -F model=digit-sum -F files=@digits.png
    """
    service.batching.queue_limiter.check(1, 1)  # a full queue rejects the request before its body is received
    request = ImageRequest(service, context, await context.body())
    return RawJSONResponse(request.encode(await request.outputs()))
