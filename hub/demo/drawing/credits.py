"""Turns some drafts into credit notes of what was invoiced before."""

from collections.abc import Sequence
from dataclasses import replace

from hub.demo.bills import Invoice

CREDIT_NOTES = 3


def with_credit_notes(invoices: Sequence[Invoice]) -> list[Invoice]:
    """The same invoices; the first drafts of projects with a sent one give some of it back."""
    sent = {one.project.project_no: one for one in invoices if one.document_status == "SENT"}
    drafts = [one for one in invoices if one.status == "draft" and one.project.project_no in sent]
    notes = {
        one.invoice_id: credit_note(one, sent[one.project.project_no])
        for one in drafts[:CREDIT_NOTES]
    }
    return [notes.get(one.invoice_id, one) for one in invoices]


def credit_note(draft: Invoice, corrected: Invoice) -> Invoice:
    """Takes back the last line of the corrected invoice."""
    last = corrected.lines[-1]
    line = replace(last, quantity=-last.quantity, net=-last.net)
    return replace(
        draft,
        corrects=corrected.invoice_id,
        amount_net=line.net,
        lines=(line,),
        description=f"Credit of {corrected.document_no}",
    )
