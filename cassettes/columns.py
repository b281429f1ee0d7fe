"""Types that hold the same on each engine."""

from sqlalchemy import BigInteger, types

Integer = BigInteger().with_variant(types.Integer(), "sqlite")  # 64 bits; SQLite's ids are INTEGER by that name
