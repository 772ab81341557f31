"""Every order and execution this login has heard of, and what is told of them.

Synchronous: a fill is in the sink before the rest of its message's batch is looked at.
"""

import asyncio
import logging
from collections.abc import Callable

from ib_async.contract import Contract
from ib_async.objects import CommissionReport as IbCommission
from ib_async.objects import Execution
from ib_async.order import Order, OrderState

from adapters.clock import Clock
from adapters.errors import OutcomeUnknown, Refused
from adapters.ibkr import codes
from adapters.ibkr.codes import Meaning
from adapters.ibkr.contracts import Contracts
from adapters.ibkr.executions import Booked, ExecutionBook, split_execution_id
from adapters.ibkr.orders import OrderRecord, Word, is_known
from adapters.ibkr.receiver import StatusWord
from adapters.ibkr.settings import IbkrSettings
from adapters.ibkr.translate import contracts_of, decimal_of, execution_of, price_of, side_of
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Bust, CommissionReport, Fill, OrderStatus, OrderUpdate

_log = logging.getLogger(__name__)

Told = OrderUpdate | Fill | Bust | CommissionReport


class Blotter:
    """Orders are found by client order id and permId; order ids serve within one connection only."""

    def __init__(
        self, settings: IbkrSettings, clock: Clock, contracts: Contracts, tell: Callable[[Told], None]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._contracts = contracts
        self._tell = tell
        self._by_order_id: dict[int, OrderRecord] = {}
        self._by_perm_id: dict[int, OrderRecord] = {}
        self._by_client_order_id: dict[str, OrderRecord] = {}
        self._first_words: dict[str, asyncio.Future[None]] = {}
        self._early_fees: dict[str, IbCommission] = {}
        self.book = ExecutionBook()
        self.doubted: Callable[[OrderRecord], None] = lambda record: None
        """Called with an order whose fate must be asked."""
        self.fee_heard = asyncio.Event()
        self.tells_history = False
        """Whether executions learnt by asking are told: not those from before the first connection."""

    # Orders of ours

    def sent(self, record: OrderRecord) -> "asyncio.Future[None]":
        """Take in an order just written to the socket; the future ends with the first word on it.

        It raises Refused or OutcomeUnknown where that is the word.
        """
        client_order_id = record.client_order_id or ""
        self._by_order_id[record.order_id] = record
        self._by_client_order_id[client_order_id] = record
        first_word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first_words[client_order_id] = first_word
        return first_word

    def stop_waiting(self, client_order_id: str) -> None:
        first_word = self._first_words.pop(client_order_id, None)
        if first_word is not None and first_word.done() and not first_word.cancelled():
            first_word.exception()  # taken note of, should the caller have given up at this very moment

    def connection_lost(self, reason: str) -> None:
        """Forget the order ids; who waits for a first word learns that there is none."""
        for client_order_id, first_word in self._first_words.items():
            if not first_word.done():
                first_word.set_exception(
                    OutcomeUnknown(self._settings.name, f"submit {client_order_id}", f"link lost: {reason}")
                )
        self._by_order_id.clear()
        self._early_fees.clear()
        for record in (*self._by_perm_id.values(), *self._by_client_order_id.values()):
            record.order_id = 0

    def unknown(self, record: OrderRecord, detail: str) -> None:
        """End the wait for a first word: even asking has brought none."""
        first_word = self._first_words.get(record.client_order_id or "")
        if first_word is not None and not first_word.done():
            first_word.set_exception(
                OutcomeUnknown(
                    self._settings.name, f"submit {record.client_order_id}", detail, code=record.code
                )
            )

    # Looking up

    def find(self, client_order_id: str) -> OrderRecord | None:
        return self._by_client_order_id.get(client_order_id)

    def by_perm_id(self, perm_id: int) -> OrderRecord | None:
        return self._by_perm_id.get(perm_id)

    def unfinished(self) -> list[OrderRecord]:
        """Return this client's orders that are not known to have ended."""
        return [r for r in self._by_client_order_id.values() if self._is_own(r) and not r.is_final]

    def forget_finished(self) -> None:
        """Drop orders that have ended: what is asked about them later, the broker answers."""
        self._by_perm_id = {key: kept for key, kept in self._by_perm_id.items() if not kept.is_final}
        self._by_client_order_id = {
            key: kept for key, kept in self._by_client_order_id.items() if not kept.is_final
        }

    def _is_own(self, record: OrderRecord) -> bool:
        return record.client_id == self._settings.client_id

    # What the gateway says

    def open_order(self, contract: Contract, order: Order, state: OrderState) -> None:
        instrument = self._contracts.id_of(contract)
        if instrument is None or order.account not in ("", self._settings.account):
            return
        if not is_known(state.status):
            _log.warning("%s: order %s has a status not known: %s", instrument, order.permId, state.status)
        record = self._record(instrument, order)
        record.hear(state.status)
        self.news(record)

    def _record(self, instrument: InstrumentId, order: Order) -> OrderRecord:
        own = order.clientId == self._settings.client_id
        record = self._by_order_id.get(order.orderId) if own else None
        if record is None:
            record = self._by_perm_id.get(order.permId)
        if record is None and own and order.orderRef:
            known = self._by_client_order_id.get(order.orderRef)
            record = known if known is not None and known.perm_id == 0 and self._is_own(known) else None
        if record is None:
            record = OrderRecord(
                instrument,
                order.orderRef or None,
                order.clientId,
                side_of(order.action),
                contracts_of(order.totalQuantity),
                price_of(order.lmtPrice),
            )
        self._name(record, order.permId)
        if own:
            record.order_id = order.orderId
            self._by_order_id[order.orderId] = record
        known = self._by_client_order_id.get(record.client_order_id or "")
        if record.client_order_id and (known is None or own):
            self._by_client_order_id[record.client_order_id] = record
        return record

    def _name(self, record: OrderRecord, perm_id: int) -> None:
        if perm_id and record.perm_id != perm_id:
            record.perm_id = perm_id
            self._by_perm_id[perm_id] = record
            record.executions(self.book.filled(perm_id), self.book.is_corrected(perm_id))

    def order_status(self, word: StatusWord) -> None:
        record = self._by_perm_id.get(word.perm_id)
        if record is None and word.client_id == self._settings.client_id:
            record = self._by_order_id.get(word.order_id)
        if record is None:
            _log.info("%s: status of an order not known: %s", self._settings.name, word)
            return
        self._name(record, word.perm_id)
        record.counted = contracts_of(word.filled)
        record.hear(word.status)
        if word.why_held:
            record.reason = f"held: {word.why_held}"
        if record.word is Word.CANCEL_SAID:
            self.doubted(record)
        self.news(record)

    def order_error(self, order_id: int, code: int, text: str) -> None:
        record = self._by_order_id.get(order_id)
        if record is None:
            _log.warning("%s: error %s for id %s: %s", self._settings.name, code, order_id, text)
            return
        meaning = codes.meaning_for_order(code)
        _log.info("%s: %s: %s %s: %s", self._settings.name, record.client_order_id, meaning.name, code, text)
        if meaning is Meaning.REFUSED and (record.word is Word.SILENT or code == codes.ORDER_REJECTED):
            record.refuse(code, text)
        else:
            record.reason = text
            record.code = str(code)
            if meaning is Meaning.CANCELED:
                record.hear("Cancelled")
            if meaning in (Meaning.CANCELED, Meaning.DOUBT):
                self.doubted(record)
        self.news(record)

    def execution(self, contract: Contract, execution: Execution, live: bool) -> None:
        instrument = self._contracts.id_of(contract)
        if instrument is None or execution.acctNumber not in ("", self._settings.account):
            return
        word = execution_of(instrument, execution)
        booked = self.book.note(word, execution.permId, word.revision)
        if booked is None:
            return
        if live or self.tells_history:
            booked.told = True
            self._tell(word)
        record = self._by_perm_id.get(execution.permId)
        if record is None and execution.clientId == self._settings.client_id:
            record = self._by_order_id.get(execution.orderId)
        if record is not None:
            self._name(record, execution.permId)
            filled = self.book.filled(execution.permId)
            record.executions(filled, self.book.is_corrected(execution.permId))
            self.news(record)
        early = self._early_fees.pop(execution.execId, None)
        if early is not None:
            self._charge(booked, early)

    def commission(self, report: IbCommission) -> None:
        booked = self.book.get(split_execution_id(report.execId)[0])
        if booked is None:
            self._early_fees[report.execId] = report
        else:
            self._charge(booked, report)

    def _charge(self, booked: Booked, report: IbCommission) -> None:
        amount = decimal_of(report.commission)
        revision = split_execution_id(report.execId)[1]
        if amount is None or revision < booked.fee_revision:
            return
        if report.currency != Currency.USD:
            _log.error("%s: commission of %s in %s", self._settings.name, report.execId, report.currency)
            return
        word = booked.word
        fee = CommissionReport(
            word.execution_id, word.instrument, Money.of(Currency.USD, amount), word.at, revision
        )
        if fee == booked.fee:
            return
        booked.fee, booked.fee_revision = fee, revision
        self.fee_heard.set()
        if booked.told:
            self._tell(fee)

    # What is told

    def news(self, record: OrderRecord) -> None:
        """Tell what is new of an order: to who waits for its first word, else to the sink.

        Other programs' orders are told only when asked for.
        """
        if not self._is_own(record):
            return
        update = record.news(self._clock.now())
        if update is None:
            return
        first_word = self._first_words.get(record.client_order_id or "")
        if first_word is None or first_word.done():
            self._tell(update)
        elif update.status is OrderStatus.REJECTED:
            attempted = f"submit {record.client_order_id}"
            first_word.set_exception(
                Refused(self._settings.name, attempted, record.reason or "refused", code=record.code)
            )
        else:
            first_word.set_result(None)
