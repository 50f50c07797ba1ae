"""What HR knows of the firm."""

from hub.demo.company import ENTITIES
from hub.demo.firm import Firm
from hub.demo.rows.words import Rows, work_pattern


def hr_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "employees": [
            {
                "employee_number": one.employee_number,
                "full_name": one.name,
                "work_email": one.email,
                "worker_type": one.worker_type,
                "employment_status": one.status,
                "country": one.country,
                "time_zone": one.time_zone,
                "entity_code": one.entity.code,
                "hired_on": one.hired_on,
                "left_on": one.left_on,
                "grade": one.grade,
                "reports_to": one.manager_number,
                "work_pattern": work_pattern(one),
                "cost_rates": [
                    {
                        "valid_from": rate.valid_from.isoformat(),
                        "amount": str(rate.amount),
                        "currency": one.entity.currency,
                        "unit": "H",
                    }
                    for rate in one.cost_rates
                ],
            }
            for one in firm.people
        ],
        "entities": [
            {
                "id": f"EMP-{number:02d}",
                "ledger_code": one.code,
                "employer_name": one.name,
                "country": one.country,
                "pay_currency": one.currency,
            }
            for number, one in enumerate(ENTITIES, start=1)
        ],
    }
