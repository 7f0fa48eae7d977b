"""The two addresses on FastAPI, as its documentation shows it; handlers run on the loop, which is faster here than its threads."""
from catalogue import one, page
from fastapi import FastAPI, HTTPException

app = FastAPI()


@app.get('/vehicles')
async def vehicles(page_number: int = 1, per_page: int = 20):
    return page(page_number, min(per_page, 100))


@app.get('/vehicles/{number}')
async def vehicle(number: int):
    found = one(number)
    if found is None:
        raise HTTPException(404)
    return found
