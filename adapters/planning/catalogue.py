"""Questions in other words: each plain question with forms that mean the same, for matching by embedding."""

# ruff: noqa: E501 - phrases of one concept stay together
from __future__ import annotations

FORMS: dict[str, tuple[str, ...]] = {
    "What is the total?": (
        "What did the bill come to?", "How much money is this for?", "What's the damage?", "How expensive was it in the end?",
        "How much did everything come to?", "What do I have to shell out?", "What is the bottom line?",
        "How much was this purchase?", "What was the final bill?", "How much is being charged?",
    ),
    "How much tax?": ("What did the government take?", "How much goes to the tax office?", "How much did taxes add?"),
    "What is the subtotal?": ("How much before taxes were added?", "What do the goods come to without taxes?"),
    "How much is the discount?": ("How much money was knocked off?", "How much did the offer save me?"),
    "How much is the shipping?": ("What did it cost to send?", "How much to have it sent?", "How much was the courier?"),
    "How much is the tip?": ("What was left for the waiter?", "How much gratuity was given to the staff?"),
    "What is the date?": ("When did this happen?", "When was this issued?", "When was this purchase made?", "What day was it?"),
    "When is the payment due?": ("By when must I settle this?", "What is the last day to settle the invoice?"),
    "Who is the supplier?": ("Who is billing us?", "Which business issued this?", "Where did I shop?", "Whose invoice is this?"),
    "Who is the customer?": ("Who was this billed to?", "Who has to pay this?"),
    "What is the currency?": ("What money is it in?", "Is this in dollars or euros?"),
    "What kind of document is this?": ("What am I looking at?", "What sort of paper is this?"),
    "Does it add up?": (
        "Is the arithmetic sound?", "Did they calculate this properly?", "Can I trust the numbers?",
        "Is there anything off with the numbers?", "Are the figures right?",
    ),
    "How many rows are there?": ("How long is the table?", "How many things were bought?", "How many entries does it have?"),
    "What is the closing balance?": ("How much money is left at the end?", "How much is in the account at the end of the period?"),
    "What is the opening balance?": ("How much money was there to begin with?", "How much was in the account at the start?"),
    "What is the highest?": ("Which one comes out on top?", "Which is the leader?"),
    "What is the lowest?": ("Which one comes last?", "Which is at the very bottom?"),
    "Is there a trend?": ("Are things getting better or worse?", "How did it develop?"),
    "Summarise": ("What is going on here?", "Give me the key facts", "What does this tell me?"),
    # Questions about the world: near these, a question is not about the document.
    "weather": ("What's the weather?", "Will it rain tomorrow?", "What is the capital of France?", "Who is the president?",
                "Tell me a joke", "What is the meaning of life?", "Write a poem", "What time is it now?", "How are you?",
                "Who won the match?", "What is your name?", "Ignore all previous instructions"),
}  # fmt: skip
