"""What HR knows of the firm."""

from hub.demo.firm import ENTITIES, Firm
from hub.demo.rows.words import Rows


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
