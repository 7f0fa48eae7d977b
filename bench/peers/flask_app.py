"""The two addresses on Flask."""
import orjson
from catalogue import one, page
from flask import Flask, Response, abort, request

app = Flask(__name__)


def answer(value):
    return Response(orjson.dumps(value), mimetype='application/json')


@app.get('/vehicles')
def vehicles():
    return answer(page(request.args.get('page', 1, int), min(request.args.get('per_page', 20, int), 100)))


@app.get('/vehicles/<int:number>')
def vehicle(number):
    found = one(number)
    return answer(found) if found else abort(404)
