"""The two addresses on FastAPI, as fast as it goes: handlers on the loop, orjson answers."""
import orjson
from catalogue import one, page
from fastapi import FastAPI, HTTPException, Response

app = FastAPI()


def answer(value):
    return Response(orjson.dumps(value), media_type='application/json')


@app.get('/vehicles')
async def vehicles(page_number: int = 1, per_page: int = 20):
    return answer(page(page_number, min(per_page, 100)))


@app.get('/vehicles/{number}')
async def vehicle(number: int):
    found = one(number)
    if found is None:
        raise HTTPException(404)
    return answer(found)
