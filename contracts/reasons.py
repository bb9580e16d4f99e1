"""Reason codes: why a record is refused. The first that applies is given, structure before values."""

from __future__ import annotations

NULL_VALUE = "null_value"
INVALID_UTF8 = "invalid_utf8"
MALFORMED = "malformed"
ARRAY = "array"
NOT_A_NUMBER = "not_a_number"
SEVERAL_OBJECTS = "several_objects"
TRAILING_CONTENT = "trailing_content"
HALF_SURROGATE = "half_surrogate"
REPEATED_KEY = "repeated_key"
STRUCTURAL = frozenset(
    {NULL_VALUE, INVALID_UTF8, MALFORMED, ARRAY, NOT_A_NUMBER, SEVERAL_OBJECTS, TRAILING_CONTENT, HALF_SURROGATE, REPEATED_KEY},
)
"""Those of a value that has no members to judge; one with several such faults has any of their reasons."""

WRONG_REGION = "wrong_region"
UNKNOWN_EVENT_TYPE = "unknown_event_type"
MISSING = "missing"
WRONG_TYPE = "wrong_type"
TOO_LONG = "too_long"
NOT_ALLOWED = "not_allowed"
OUT_OF_RANGE = "out_of_range"
BEYOND_64_BITS = "beyond_64_bits"
TOO_PRECISE = "too_precise"
UNEXPECTED_ATTRIBUTE = "unexpected_attribute"
NOT_A_CODE = "not_a_code"
NOT_PSEUDONYMOUS = "not_pseudonymous"
NOT_A_HASH = "not_a_hash"
NOT_A_REFERENCE = "not_a_reference"
EXCEEDS_WHOLE = "exceeds_whole"
OUT_OF_ORDER = "out_of_order"
OF_A_FIELD = frozenset(
    {
        *(WRONG_REGION, UNKNOWN_EVENT_TYPE, MISSING, WRONG_TYPE, TOO_LONG, NOT_ALLOWED, OUT_OF_RANGE, BEYOND_64_BITS, TOO_PRECISE),
        *(UNEXPECTED_ATTRIBUTE, NOT_A_CODE, NOT_PSEUDONYMOUS, NOT_A_HASH, NOT_A_REFERENCE, EXCEEDS_WHOLE, OUT_OF_ORDER),
    }
)
"""Those that name a field."""
