"""Writes to BenefitPoint that cannot go yet: each says what it waits for, and uses up no try meanwhile."""

from typing import Any

import psycopg

from ams_etl.settings import Agency

NO_SETTING = "waits for benefitpoint.new_accounts in the settings"
NO_CUSTOMER = "waits for its customer in AMS360"
_NO_ACCOUNT = "waits for its account in BenefitPoint"


def hold_back(connection: psycopg.Connection[Any], agency: Agency) -> None:
    """Put off what cannot go yet, and let go what can now.

    A new account waits for the settings, and for the customer that it is to name until AMS360 has it or has refused it;
    a link waits for both its ends. They are checked with every delivery, and at least once an hour, or every five
    minutes while AMS360 is at it.

    Args:
        connection: any.
        agency: the agency and its choices.
    """
    can_create = agency.benefitpoint is not None and agency.benefitpoint.new_accounts is not None
    connection.execute(
        """update ops.writebacks w set error = x.reason,
            not_before = now() + case when x.reason is null then interval '0' when x.soon then interval '5 minutes'
                else interval '1 hour' end
        from (select b.writeback_id, coalesce(c.status in ('waiting', 'pending', 'claimed', 'delivering'), false) as soon,
                case
                when b.operation = 'account' and not %(can_create)s then %(no_setting)s
                when c.status is not null and c.status <> 'delivered'
                    and (b.operation = 'link_account' or c.status <> 'failed') then %(no_customer)s
                when b.operation = 'link_account' and b.customer_id is null and not exists (
                    select from ops.writeback_contacts k where k.agency = b.agency and k.system = 'benefitpoint'
                        and k.contact_key = b.request ->> 'lane' and k.customer_id is not null) then %(no_account)s
                end as reason
            from ops.writebacks b left join ops.writebacks c
                on c.agency = b.agency and c.writeback_id = (b.request ->> 'ams360_writeback')::uuid
            where b.agency = %(agency)s and b.system = 'benefitpoint' and b.status in ('waiting', 'pending')
                and b.operation in ('account', 'link_account')) x
        where w.agency = %(agency)s and w.writeback_id = x.writeback_id and w.status in ('waiting', 'pending')
            and (x.reason is not null or w.error = any(%(reasons)s))""",
        {
            "agency": agency.id,
            "can_create": can_create,
            "no_setting": NO_SETTING,
            "no_customer": NO_CUSTOMER,
            "no_account": _NO_ACCOUNT,
            "reasons": [NO_SETTING, NO_CUSTOMER, _NO_ACCOUNT],
        },
    )
