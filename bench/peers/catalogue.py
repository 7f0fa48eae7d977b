"""What both peers serve: a page of vehicles and one by its number, out of the file that our own service made.

Written to be fast, not to be long: plain SQL by parameters, one connection, no validation library on the way out.
"""
import os
import sqlite3

FIELDS = ('id', 'name', 'brand', 'model', 'year', 'price', 'description', 'dealer_id', 'dealer', 'reference', 'stock',
          'created_at', 'updated_at')
database = sqlite3.connect(os.environ['DATABASE'], check_same_thread=False, isolation_level=None)
database.execute('PRAGMA mmap_size=268435456')
COLUMNS = ', '.join(FIELDS)


def shown(row):
    vehicle = dict(zip(FIELDS, row))
    vehicle['price'] = vehicle['price'] / 100
    return vehicle


def page(number, size):
    total = database.execute('SELECT count(*) FROM vehicles').fetchone()[0]
    rows = database.execute('SELECT %s FROM vehicles ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?' % COLUMNS,
                            (size, (number - 1) * size)).fetchall()
    return {'items': [shown(row) for row in rows], 'page': number, 'per_page': size, 'total': total}


def one(number):
    row = database.execute('SELECT %s FROM vehicles WHERE id = ?' % COLUMNS, (number,)).fetchone()
    return shown(row) if row else None
