"""Asking for memory before it is needed: a hint to the processor, which changes no result.

The loop of a sweep jumps from one place of the bars to the next. Each jump is a wait for memory of
a hundred nanoseconds and more, unless it was asked for while the bars before it were done.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_FOR_READING, _KEEP, _DATA = 0, 3, 1


@intrinsic
def fetch(_: Any, array: types.Array, row: types.Integer, column: types.Integer) -> Any:
    """Ask for the cache line of `array[row, column]`, of an array of two dimensions."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(
            context, builder, kind, view, list(arguments[1:]), wraparound=False
        )
        byte = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        hint = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        )
        how = [ir.Constant(number, value) for value in (_FOR_READING, _KEEP, _DATA)]
        builder.call(hint, [builder.bitcast(place, byte), *how])
        return context.get_dummy_value()

    return types.void(array, row, column), generate
