"""What each incoming message asks for. One function a message, found by its number."""

from collections.abc import Callable
from decimal import Decimal

from adapters.simulator.tws import messages, order_log
from adapters.simulator.tws.api_errors import NO_CONTRACT, UNSERVED, Refuse
from adapters.simulator.tws.gateway import Gateway
from adapters.simulator.tws.hours import hours_text
from adapters.simulator.tws.links import Link
from adapters.simulator.tws.order_log import OrderAction
from adapters.simulator.tws.place_order import read_order
from adapters.simulator.tws.requests import (
    read_depth,
    read_details,
    read_execution_filter,
    read_market_data,
)
from adapters.simulator.tws.wire import Reader

Handler = Callable[[Gateway, Link, Reader], None]
"""Answers one message, given its fields behind the message number. Raises Malformed or Refuse."""

START_API = 71


def _place_order(gateway: Gateway, link: Link, reader: Reader) -> None:
    ticket = read_order(reader, link.version)
    action = OrderAction.PLACE
    if ticket.what_if:
        action = OrderAction.WHAT_IF
    elif gateway.desk.knows(link.client_id, ticket.order_id):
        action = OrderAction.MODIFY
    gateway.log(
        order_log.OrderLogEntry(
            at=gateway.clock.now(),
            received=gateway.clock.monotonic(),
            client_id=link.client_id,
            action=action,
            order_id=ticket.order_id,
            local_symbol=ticket.contract.local_symbol,
            side=ticket.action,
            quantity=ticket.quantity,
            limit=ticket.limit,
            tif=ticket.tif,
            order_ref=ticket.order_ref,
        )
    )
    if ticket.what_if or not gateway.faults.loses():
        gateway.desk.submit(link, ticket)


def _cancel_order(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    order_id = reader.integer("orderId")
    _log_cancel(gateway, link, OrderAction.CANCEL, order_id)
    if not gateway.faults.loses():
        gateway.desk.cancel(link, order_id)


def _global_cancel(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    _log_cancel(gateway, link, OrderAction.GLOBAL_CANCEL, 0)
    gateway.desk.cancel_everything()


def _log_cancel(gateway: Gateway, link: Link, action: OrderAction, order_id: int) -> None:
    at, received = gateway.clock.now(), gateway.clock.monotonic()
    gateway.log(order_log.OrderLogEntry(at, received, link.client_id, action, order_id))


def _open_orders(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.desk.open_orders(link)


def _all_open_orders(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.desk.all_open_orders(link)


def _auto_open_orders(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.desk.bind(link, on=reader.flag("autoBind"))


def _completed_orders(gateway: Gateway, link: Link, reader: Reader) -> None:
    gateway.desk.completed_orders(link, api_only=reader.flag("apiOnly"))


def _executions(gateway: Gateway, link: Link, reader: Reader) -> None:
    gateway.trades.answer(link, read_execution_filter(reader))


def _ids(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version", "numIds")
    link.send(messages.next_valid_id(gateway.desk.next_id(link.client_id)))


def _managed_accounts(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    link.send(messages.managed_accounts(gateway.account))


def _current_time(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    link.send(messages.current_time(int(gateway.clock.now().timestamp())))


def _contract_details(gateway: Gateway, link: Link, reader: Reader) -> None:
    request = read_details(reader, link.version)
    now = gateway.clock.now()
    indices = gateway.indices.find(request.contract)
    for index in indices:
        told = (index.con_id, index.symbol, index.long_name, index.tick)
        link.send(messages.index_details(link.version, request.req_id, *told))
    if indices:
        link.send(messages.contract_details_end(request.req_id))
        return
    found = gateway.catalogue.find(request.contract, now)
    if not found:
        raise Refuse(NO_CONTRACT)
    hours = hours_text(gateway.exchange.rules.sessions, now, gateway.hours_style)
    for contract in found:
        link.send(messages.contract_details(link.version, request.req_id, contract, hours))
    link.send(messages.contract_details_end(request.req_id))


def _market_rule(gateway: Gateway, link: Link, reader: Reader) -> None:
    rule = reader.integer("marketRuleId")
    ticks = {Decimal(spec.tick) / 100 for spec in gateway.exchange.specs()}
    if rule != messages.MARKET_RULE or len(ticks) != 1:
        raise Refuse(UNSERVED)
    link.send(messages.market_rule(rule, ticks.pop()))


def _market_data(gateway: Gateway, link: Link, reader: Reader) -> None:
    request = read_market_data(reader)
    gateway.uplink.check_data()
    indices = gateway.indices.find(request.contract)
    if indices:
        paused = gateway.feed.is_paused
        gateway.indices.subscribe(link, request.req_id, indices[0], snapshot=request.snapshot, paused=paused)
        return
    contract = gateway.catalogue.one(request.contract, gateway.clock.now())
    gateway.feed.subscribe(link, request.req_id, contract, snapshot=request.snapshot)


def _cancel_market_data(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.feed.unsubscribe(link, reader.integer("reqId"))


def _depth(gateway: Gateway, link: Link, reader: Reader) -> None:
    request = read_depth(reader)
    gateway.uplink.check_data()
    contract = gateway.catalogue.one(request.contract, gateway.clock.now())
    gateway.feed.subscribe_depth(link, request.req_id, contract, request.rows)


def _cancel_depth(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.feed.unsubscribe_depth(link, reader.integer("reqId"))


def _positions(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.board.watch_positions(link)


def _cancel_positions(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.board.unwatch_positions(link)


def _account_updates(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    on = reader.flag("subscribe")
    gateway.board.watch_updates(link, reader.text("acctCode"), on=on)


def _account_updates_multi(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    req_id = reader.integer("reqId")
    gateway.board.watch_multi(link, req_id, reader.text("account"))


def _cancel_account_updates_multi(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.board.unwatch_multi(link, reader.integer("reqId"))


def _account_summary(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    req_id = reader.integer("reqId")
    reader.skip("group")
    gateway.board.watch_summary(link, req_id, reader.text("tags"))


def _cancel_account_summary(gateway: Gateway, link: Link, reader: Reader) -> None:
    reader.skip("version")
    gateway.board.unwatch_summary(link, reader.integer("reqId"))


def _without_effect(gateway: Gateway, link: Link, reader: Reader) -> None:
    """Log level and market data type: taken, and nothing changes here."""


def _unserved(gateway: Gateway, link: Link, reader: Reader) -> None:
    raise Refuse(UNSERVED)


HANDLERS: dict[int, Handler] = {
    1: _market_data,
    2: _cancel_market_data,
    3: _place_order,
    4: _cancel_order,
    5: _open_orders,
    6: _account_updates,
    7: _executions,
    8: _ids,
    9: _contract_details,
    10: _depth,
    11: _cancel_depth,
    14: _without_effect,
    15: _auto_open_orders,
    16: _all_open_orders,
    17: _managed_accounts,
    49: _current_time,
    58: _global_cancel,
    59: _without_effect,
    61: _positions,
    62: _account_summary,
    63: _cancel_account_summary,
    64: _cancel_positions,
    76: _account_updates_multi,
    77: _cancel_account_updates_multi,
    91: _market_rule,
    99: _completed_orders,
}

# Requests the broker knows and this simulator does not serve: historical data, scanners, options, news, P&L …
_OTHERS = (12, 13, *range(18, 26), *range(50, 58), *range(65, 71), *range(72, 76), *range(78, 91))
HANDLERS.update(dict.fromkeys((*_OTHERS, *range(92, 99), *range(100, 105)), _unserved))

_ID_BEHIND_VERSION = frozenset(
    (1, 2, 4, 7, 9, 10, 11, *range(50, 58), 62, 63, *range(67, 71), *range(74, 78))
)
_ID_FIRST = frozenset((3, *range(20, 26), *range(78, 91), *range(92, 99), *range(100, 105)))


def about(fields: list[str]) -> int:
    """Return the request or order id a message carries, -1 if it has none that can be read."""
    number = int(fields[0]) if fields[0].isdecimal() else -1
    at = 2 if number in _ID_BEHIND_VERSION else 1 if number in _ID_FIRST else len(fields)
    try:
        return int(fields[at])
    except (IndexError, ValueError):
        return -1
