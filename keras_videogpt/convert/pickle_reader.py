"""Reads a pickle as data.

Unpickling runs whatever functions a pickle names. Even with every name refused,
`pickle.Unpickler` sets attributes, allocates the memo a pickle claims to need, and crashes the
process over nested tuples as dict keys. So the pickle's operations are read as data instead, by
`pickletools`, and this file builds from them dicts, lists, tuples, numbers and text.
"""

import contextlib
import dataclasses
import pickletools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO


class Refusal(ValueError):
    """Says what is wrong with a file; `refusals` puts the file's path before it."""


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Makes every error a ValueError that starts with the path: damage can raise anything."""
    try:
        yield
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from None
    except Exception as error:
        raise ValueError(f"{path} is damaged or cut off; download or copy it again.") from error


@dataclasses.dataclass(frozen=True, slots=True)
class GlobalReference:
    """A function or class that a checkpoint names. It's the name only: nothing is imported."""

    name: str

    def __str__(self):
        # A hostile name may hold line breaks, or be megabytes long.
        printable = self.name.isprintable() and len(self.name) <= 100
        return self.name if printable else ascii(self.name[:100])


class Namespace:
    """What stands for an `argparse.Namespace` of a checkpoint: an object of its attributes."""


# Operations of a pickle that say what is on the stack next.
_VALUES = set(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 "
    "UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8".split()
)


def describe(value: object) -> str:
    """A value in the words of a message: the name of a function or class, the type of others."""
    if isinstance(value, GlobalReference):
        return str(value)
    return f"a value of type {type(value).__name__}"


def _global(module: str, name: str) -> GlobalReference:
    module = "builtins" if module == "__builtin__" else module  # as protocol 2 calls it
    return GlobalReference(".".join((module, name)))


def _call(constructors, function, arguments, keywords):
    name = describe(function)
    if name not in constructors:
        raise Refusal(f"calls {name}, which no file of weights needs; nothing was executed.")
    return constructors[name](*arguments, **keywords)


def _set_state(value, state):
    if isinstance(value, Namespace) and type(state) is dict:
        vars(value).update(state)
    elif hasattr(type(value), "set_state"):  # only what a constructor of ours made has it
        value.set_state(state)
    elif type(value) is not dict:  # the `_metadata` of a state dict is of no use here
        raise Refusal(
            f"sets the state of {describe(value)}, which no file of weights needs; "
            "nothing was executed."
        )


def _extend(target, items):
    if type(target) is not list:
        raise Refusal("is damaged: it appends to what is no list.")
    target.extend(items)


def set_items(target: dict, items: Sequence) -> dict:
    """Sets keys and values, which `items` holds by turns, if it is safe to hash the keys."""
    if type(target) is not dict:
        raise Refusal("is damaged: it sets items of what is no dict.")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # To hash a deeply nested tuple crashes the process; chosen large ints all hash alike.
        if type(key) not in (str, int, float, bool, NoneType, GlobalReference) or (
            type(key) is int and key.bit_length() > 63
        ):
            raise Refusal(f"holds a dict with {describe(key)} as a key, which is not supported.")
        target[key] = value
    return target


def read_pickle(
    data: bytes | BinaryIO,
    constructors: Mapping[str, Callable[..., Any]],
    load_persistent: Callable[[Any], Any] | None,
) -> Any:
    """The object of a pickle, made without importing or executing anything it names.

    Functions and classes become a `GlobalReference`, and are called only if they have a
    constructor.

    Args:
        data: a pickle of any protocol, or a file that is at the start of one, and is then left at
            its end.
        constructors: full name of what the pickle may call, to what is called instead. An object
            made by these takes the state that the pickle sets by a method `set_state`.
        load_persistent: makes the object of a persistent id; `None` where there are none.

    Returns:
        What was pickled.

    Raises:
        Refusal: the pickle calls something else. If it's damaged, any exception.

    Example:
        >>> import argparse, pickle
        >>> data = pickle.dumps([argparse.Namespace(layers=8), len])
        >>> namespace, function = read_pickle(data, {"argparse.Namespace": Namespace}, None)
        >>> vars(namespace), str(function)
        ({'layers': 8}, 'builtins.len')

    Source: docs.python.org/3/library/pickletools.html.
    """
    call = partial(_call, constructors)
    stack, outer_stacks, memo = [], [], {}

    def pop_to_mark():
        nonlocal stack
        items, stack = stack, outer_stacks.pop()
        return items

    argument: Any
    for operation, argument, _ in pickletools.genops(data):
        match operation.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                outer_stacks.append(stack)
                stack = []
            case "POP":
                stack.pop() if stack else pop_to_mark()
            case "POP_MARK":
                pop_to_mark()
            case "DUP":
                stack.append(stack[-1])

            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])

            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(operation.name == "NEWTRUE")
            case name if name in _VALUES:
                stack.append(argument)

            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE":
                items = pop_to_mark()
                stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(operation.name[-1]))]
                stack.append(tuple(reversed(items)))
            case "EMPTY_LIST":
                stack.append([])
            case "LIST":
                items = pop_to_mark()
                stack.append(items)
            case "APPEND":
                item = stack.pop()
                _extend(stack[-1], [item])
            case "APPENDS":
                items = pop_to_mark()
                _extend(stack[-1], items)
            case "EMPTY_DICT":
                stack.append({})
            case "DICT":
                items = pop_to_mark()
                stack.append(set_items({}, items))
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                set_items(stack[-1], [key, value])
            case "SETITEMS":
                items = pop_to_mark()
                set_items(stack[-1], items)

            case "GLOBAL":
                stack.append(_global(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_global(module, name))
            case "REDUCE" | "NEWOBJ":
                arguments, function = stack.pop(), stack.pop()
                stack.append(call(function, arguments, {}))
            case "NEWOBJ_EX":
                keywords, arguments, function = stack.pop(), stack.pop(), stack.pop()
                stack.append(call(function, arguments, keywords))
            case "OBJ":
                function, *arguments = pop_to_mark()
                stack.append(call(function, arguments, {}))
            case "INST":
                arguments = pop_to_mark()
                stack.append(call(_global(*argument.split(" ", 1)), arguments, {}))
            case "BUILD":
                state = stack.pop()
                _set_state(stack[-1], state)
            case "BINPERSID":
                if load_persistent is None:
                    raise Refusal("is damaged: it refers to data outside of its pickle.")
                stack.append(load_persistent(stack.pop()))
            case unknown:
                raise Refusal(
                    f"uses the pickle operation {unknown}, which no file of weights needs; "
                    "nothing was executed."
                )
    raise Refusal("is damaged: its pickle has no end.")
