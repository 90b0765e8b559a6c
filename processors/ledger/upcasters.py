"""Older shapes of Stripe's objects turned into the newest: one upcaster for each break between API versions.

They go by shape, not by the version a payload claims: the claim may be missing, and shapes changed between versions
too. Each gives the object unchanged where it has the newer shape already, so the order is that of the breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from processors.ledger.reading import Raw, listed, number, part, ref, text

Upcaster = Callable[[Raw], Raw]

_BRANDS = {
    "american express": "amex",
    "diners club": "diners",
    "mastercard": "mastercard",
    "discover": "discover",
    "jcb": "jcb",
    "unionpay": "unionpay",
    "union pay": "unionpay",
    "visa": "visa",
}


def brand(value: Any) -> str | None:
    """A card brand as newer versions write it: `American Express` is `amex`."""
    name = text(value)
    return _BRANDS.get(name.lower(), name.lower()) if name else None


# Charges


def card_becomes_source(raw: Raw) -> Raw:
    """2015-02-18: `card` became `source`, status `paid` became `succeeded`."""
    if type(raw.get("card")) is dict and "source" not in raw:
        raw = {**raw, "source": raw["card"]}
    return {**raw, "status": "succeeded"} if raw.get("status") == "paid" else raw


def destination_becomes_transfer_data(raw: Raw) -> Raw:
    """2018-05-21: a destination charge names its account in `transfer_data`."""
    if not raw.get("destination") or raw.get("transfer_data"):
        return raw
    return {**raw, "transfer_data": {"destination": ref(raw["destination"])}}


def source_becomes_method_details(raw: Raw) -> Raw:
    """2019-02-11: `payment_method_details` say what `source` said, brands in lower case."""
    source = raw.get("source")
    if raw.get("payment_method_details") or type(source) is not dict:
        return raw
    kind = source.get("object")
    if kind == "card":
        return {**raw, "payment_method_details": {"type": "card", "card": source}}
    if kind == "source" and source.get("type") in ("card", "card_present"):
        method = source["type"]
        return {**raw, "payment_method_details": {"type": method, method: part(source.get(method))}}
    return {**raw, "payment_method_details": {"type": source.get("type") or kind}}


def captured_amount_is_stated(raw: Raw) -> Raw:
    """2020: `amount_captured` is stated; before, a captured charge was captured whole."""
    if raw.get("amount_captured") is not None:
        return raw if raw.get("captured") is not None else {**raw, "captured": bool(number(raw["amount_captured"]))}
    captured = raw.get("captured", raw.get("paid", raw.get("status") == "succeeded"))
    return {**raw, "amount_captured": raw.get("amount") if captured else 0, "captured": bool(captured)}


# Refunds and disputes


def refund_has_a_status(raw: Raw) -> Raw:
    """2016: refunds have a status; before, a refund was one that had succeeded."""
    return raw if raw.get("status") else {**raw, "status": "succeeded"}


def canceled_has_one_l(raw: Raw) -> Raw:
    """Some exports and old versions write `cancelled`."""
    return {**raw, "status": "canceled"} if raw.get("status") == "cancelled" else raw


def evidence_has_details(raw: Raw) -> Raw:
    """2014-12-08: `evidence_due_by` moved into `evidence_details`, `balance_transaction` became a list."""
    if "evidence_due_by" in raw and not raw.get("evidence_details"):
        raw = {**raw, "evidence_details": {"due_by": raw["evidence_due_by"]}}
    if raw.get("balance_transaction") and not raw.get("balance_transactions"):
        raw = {**raw, "balance_transactions": [raw["balance_transaction"]]}
    return raw


# Payouts


def transfer_becomes_payout(raw: Raw) -> Raw:
    """2017-04-06: transfers to bank accounts became payouts, `date` became `arrival_date`."""
    if "date" in raw and "arrival_date" not in raw:
        raw = {**raw, "arrival_date": raw["date"]}
    bank = raw.get("bank_account") or raw.get("account")
    return {**raw, "destination": bank} if bank and not raw.get("destination") else raw


def is_old_payout(raw: Raw) -> bool:
    """Whether a `transfer` of before 2017-04-06 is what is now called a payout: it went to a bank or a card."""
    if raw.get("type") in ("bank_account", "card", "alipay_account"):
        return True
    target = ref(raw.get("destination")) or ""
    return not target.startswith("acct_") and "status" in raw and "date" in raw


# Billing


def plan_becomes_items(raw: Raw) -> Raw:
    """2016-07-06: a subscription's one `plan` and `quantity` became `items`."""
    plan = raw.get("plan")
    if type(plan) is not dict or listed(raw.get("items")):
        return raw
    return {**raw, "items": {"data": [{"id": raw.get("id"), "plan": plan, "quantity": raw.get("quantity", 1)}]}}


def billing_becomes_collection_method(raw: Raw) -> Raw:
    """2019-10-17: `billing` became `collection_method`, `start` became `start_date`."""
    if raw.get("billing") and not raw.get("collection_method"):
        raw = {**raw, "collection_method": raw["billing"]}
    return {**raw, "start_date": raw["start"]} if raw.get("start") and not raw.get("start_date") else raw


def plan_becomes_price(raw: Raw) -> Raw:
    """2020-05: items have a `price`; what a `plan` said stands there under newer names."""
    items = listed(raw.get("items"))
    if not any(type(item) is dict and not item.get("price") and type(item.get("plan")) is dict for item in items):
        return raw
    return {**raw, "items": {**part(raw["items"]), "data": [_priced(item) for item in items]}}


def _priced(item: Any) -> Any:
    if type(item) is not dict or item.get("price") or type(item.get("plan")) is not dict:
        return item
    plan = item["plan"]
    price = {
        "id": plan.get("id"),
        "product": plan.get("product"),
        "currency": plan.get("currency"),
        "unit_amount": plan.get("amount"),
        "unit_amount_decimal": plan.get("amount_decimal"),
        "billing_scheme": plan.get("billing_scheme"),
        "transform_quantity": plan.get("transform_usage"),
        "recurring": {
            "interval": plan.get("interval"),
            "interval_count": plan.get("interval_count"),
            "usage_type": plan.get("usage_type"),
        },
    }
    return {**item, "price": price}


def periods_move_to_items(raw: Raw) -> Raw:
    """2025-03-31 (basil): `current_period_*` moved to the items."""
    if raw.get("current_period_end") is None:
        return raw
    period = {name: raw.get(name) for name in ("current_period_start", "current_period_end")}
    items = [{**period, **item} if type(item) is dict else item for item in listed(raw.get("items"))]
    return {**raw, "items": {**part(raw.get("items")), "data": items}}


def discount_becomes_discounts(raw: Raw) -> Raw:
    """2025-03-31 (basil): the one `discount` gave way to the list `discounts`."""
    return {**raw, "discounts": [raw["discount"]]} if raw.get("discount") and not raw.get("discounts") else raw


def coupon_moves_to_source(raw: Raw) -> Raw:
    """2025-09-30 (clover): a discount's `coupon` moved to `source.coupon`. Takes a discount."""
    return {**raw, "source": {"type": "coupon", "coupon": raw["coupon"]}} if raw.get("coupon") else raw


def invoice_has_a_status(raw: Raw) -> Raw:
    """2018-11-08: `paid`, `closed` and `forgiven` became `status`; 2019-03-14: `date` became `created`."""
    if raw.get("date") is not None and raw.get("created") is None:
        raw = {**raw, "created": raw["date"]}
    if raw.get("status"):
        return raw
    status = "uncollectible" if raw.get("forgiven") else "void" if raw.get("closed") else "open"
    return {**raw, "status": "paid" if raw.get("paid") else status}


def invoice_links_move(raw: Raw) -> Raw:
    """2025-03-31 (basil): `subscription` moved to `parent`, `charge` and `payment_intent` to `payments`."""
    if raw.get("subscription") and not raw.get("parent"):
        details = {"subscription": raw["subscription"]}
        raw = {**raw, "parent": {"type": "subscription_details", "subscription_details": details}}
    if (raw.get("charge") or raw.get("payment_intent")) and not listed(raw.get("payments")):
        payment = {"charge": raw.get("charge"), "payment_intent": raw.get("payment_intent")}
        raw = {**raw, "payments": {"data": [{"payment": payment, "is_default": True}]}}
    return raw


def account_balance_becomes_balance(raw: Raw) -> Raw:
    """2019-10-17: a customer's `account_balance` became `balance`."""
    return {**raw, "balance": raw["account_balance"]} if "account_balance" in raw and "balance" not in raw else raw


# Accounts


def verification_becomes_requirements(raw: Raw) -> Raw:
    """2017-04-06 and 2019-02-19: payouts were called transfers; what is open stood in `verification`."""
    if "transfers_enabled" in raw and "payouts_enabled" not in raw:
        raw = {**raw, "payouts_enabled": raw["transfers_enabled"]}
    if "verification" in raw and not raw.get("requirements"):
        verification = part(raw["verification"])
        requirements = {
            "currently_due": verification.get("fields_needed"),
            "disabled_reason": verification.get("disabled_reason"),
            "current_deadline": verification.get("due_by"),
        }
        raw = {**raw, "requirements": requirements}
    if raw.get("business_name") and not part(raw.get("business_profile")).get("name"):
        raw = {**raw, "business_profile": {**part(raw.get("business_profile")), "name": raw["business_name"]}}
    return raw


UPCASTERS: Mapping[str, tuple[Upcaster, ...]] = {
    "charge": (
        card_becomes_source,
        destination_becomes_transfer_data,
        source_becomes_method_details,
        captured_amount_is_stated,
    ),
    "refund": (refund_has_a_status, canceled_has_one_l),
    "dispute": (evidence_has_details,),
    "payout": (transfer_becomes_payout, canceled_has_one_l),
    "subscription": (
        plan_becomes_items,
        billing_becomes_collection_method,
        plan_becomes_price,
        periods_move_to_items,
        discount_becomes_discounts,
    ),
    "invoice": (invoice_has_a_status, invoice_links_move),
    "discount": (coupon_moves_to_source,),
    "customer": (account_balance_becomes_balance,),
    "account": (verification_becomes_requirements,),
}


def upcast(kind: str, raw: Raw) -> Raw:
    """An object of a kind in its newest shape."""
    for upcaster in UPCASTERS.get(kind, ()):
        raw = upcaster(raw)
    return raw
