"""The two addresses on Flask, as its documentation shows it."""
from catalogue import one, page
from flask import Flask, abort, jsonify, request

app = Flask(__name__)


@app.get('/vehicles')
def vehicles():
    return jsonify(page(request.args.get('page', 1, int), min(request.args.get('per_page', 20, int), 100)))


@app.get('/vehicles/<int:number>')
def vehicle(number):
    found = one(number)
    return jsonify(found) if found else abort(404)
