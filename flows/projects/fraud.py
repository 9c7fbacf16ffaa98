"""Transaction Fraud Detection: which of these payments is somebody else's?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from flows.learning.models.f_beta_threshold import FBetaThreshold
from flows.learning.models.single_input import SingleInput
from flows.learning.models.weight_of_evidence import WeightOfEvidence
from flows.learning.tasks.binary import BinaryClassification
from flows.projects._fraud_past import FraudPast
from flows.projects.forms import about
from flows.projects.spec import Features, Project, Query

BETA = 2.0
"""A missed fraud costs about four times what a false alarm does."""

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CAD", "AUD", "BRL")
CATEGORIES = (
    "electronics",
    "clothing",
    "groceries",
    "travel",
    "services",
    "digital_goods",
    "luxury_items",
    "gambling",
    "other",
)
TRANSACTION_TYPES = ("purchase", "withdrawal", "transfer", "payment", "deposit")
PAYMENT_METHODS = ("credit_card", "debit_card", "paypal", "bank_transfer", "crypto")
OPERATING_SYSTEMS = ("iOS", "Android", "Windows", "macOS", "Linux", "Other")
BROWSERS = ("Chrome", "Safari", "Firefox", "Edge", "Opera", "Other")
MERCHANTS = tuple(f"merchant_{number}" for number in range(1, 201))
ADDRESSES = ("203.0.113.24", "198.51.100.7", "192.0.2.181", "203.0.113.90", "198.51.100.63")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
)

Id = Annotated[str, about("Identifies it among all others", generated=True, min_length=1)]
Latitude = Annotated[
    float, about("Latitude of the buyer", unit="°", typical=(25, 49), ge=-90, le=90)
]
Longitude = Annotated[
    float, about("Longitude of the buyer", unit="°", typical=(-124, -67), ge=-180, le=180)
]


class Location(msgspec.Struct, frozen=True, gc=False):
    """Where the buyer is."""

    lat: Latitude
    lon: Longitude


class DeviceInfo(msgspec.Struct, frozen=True, gc=False):
    """What the buyer pays with."""

    os: Annotated[str, about("Operating system of the device", choices=OPERATING_SYSTEMS)]
    browser: Annotated[str, about("Browser on the device", choices=BROWSERS)]


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """One payment; `is_fraud` is None until somebody knows."""

    transaction_id: Id
    user_id: Id
    timestamp: Annotated[datetime, about("When it was made", tz=True)]
    amount: Annotated[
        float, about("Sum of money", unit="currency units", typical=(5, 500), ge=0, le=1e9)
    ]
    currency: Annotated[str, about("Currency of the amount", choices=CURRENCIES)]
    merchant_id: Annotated[str, about("Who is paid", choices=MERCHANTS)]
    product_category: Annotated[str, about("What is bought", choices=CATEGORIES)]
    transaction_type: Annotated[str, about("Kind of transaction", choices=TRANSACTION_TYPES)]
    payment_method: Annotated[str, about("How it is paid", choices=PAYMENT_METHODS)]
    location: Location
    ip_address: Annotated[str, about("Network address of the buyer", samples=ADDRESSES)]
    device_info: DeviceInfo
    user_agent: Annotated[str, about("What the browser says of itself", samples=AGENTS)]
    account_age_days: Annotated[
        int, about("Age of the account", unit="days", typical=(0, 1825), ge=0, le=100_000)
    ]
    cvv_provided: Annotated[bool, about("Was the card's check number given?")]
    billing_address_match: Annotated[bool, about("Is the billing address the card's?")]
    is_fraud: Annotated[int, about("Label: 1 fraud, 0 legitimate", ge=0, le=1)] | None = None


def features(event: Transaction) -> Features:
    """What the model sees of a transaction: all that is known before the label, but no identity."""
    return {
        "amount": event.amount,
        "account_age_days": event.account_age_days,
        "hour": event.timestamp.hour + event.timestamp.minute / 60,
        "cvv_provided": event.cvv_provided,
        "billing_address_match": event.billing_address_match,
        "product_category": event.product_category,
        "transaction_type": event.transaction_type,
        "payment_method": event.payment_method,
        "currency": event.currency,
        "merchant_id": event.merchant_id,
        "os": event.device_info.os,
        "browser": event.device_info.browser,
    }


def model() -> FBetaThreshold:
    """Make an untrained model."""
    return FBetaThreshold(WeightOfEvidence(), beta=BETA)


def baseline() -> FBetaThreshold:
    """Make the rule that anybody would try first: fraud is what costs more than so much."""
    return FBetaThreshold(SingleInput("amount"), beta=BETA, prior_positives=1.0)


PROJECT = Project(
    slug="fraud",
    title="Transaction Fraud Detection",
    summary="Which of these payments is somebody else's?",
    topic="transaction_fraud_detection",
    task=BinaryClassification(beta=BETA),
    event=Transaction,
    event_id="transaction_id",
    entity="user_id",
    label="is_fraud",
    features=features,
    model=model,
    past=FraudPast,
    challengers={"baseline": baseline},
    score="FBeta",
    seasonal_inputs=frozenset({"hour", "device_known_hours", "merchant_strangers"}),
    queries=(
        Query("Newest transactions", "SELECT * FROM fraud ORDER BY timestamp DESC LIMIT 100"),
        Query("Fraud cases", "SELECT * FROM fraud WHERE is_fraud = 1 LIMIT 100"),
        Query(
            "Large amounts",
            "SELECT * FROM fraud WHERE amount > 1000 ORDER BY amount DESC LIMIT 100",
        ),
        Query(
            "Fraud by merchant",
            "SELECT merchant_id, sum(is_fraud) AS frauds, count(*) AS transactions\n"
            "FROM fraud GROUP BY merchant_id ORDER BY frauds DESC, merchant_id LIMIT 20",
        ),
        Query(
            "Fraud by type of transaction",
            "SELECT transaction_type, count(*) AS transactions, sum(is_fraud) AS frauds,\n"
            "  round(avg(amount), 2) AS mean_amount\n"
            "FROM fraud GROUP BY transaction_type ORDER BY transactions DESC",
        ),
        Query("Number of transactions", "SELECT count(*) AS transactions FROM fraud"),
    ),
)
