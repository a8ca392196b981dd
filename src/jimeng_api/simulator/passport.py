"""The login check below `/passport/`, whose answers have a form of their own."""

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.codes import Refusal
from jimeng_api.simulator.envelope import encoded


def account_info(call: Call) -> bytes:
    """Always HTTP 200 and never a `ret`: only the message tells whether the session lives."""
    try:
        account = call.signed_in().account
        call.site_for(account)
    except Refusal:
        return encoded(
            {
                "data": {
                    "error_code": 13,
                    "name": "session_expired",
                    "description": "会话过期，请重新登录",
                },
                "message": "error",
            }
        )
    name = f"user{account.uid[-6:]}"
    return encoded(
        {
            "data": {
                "user_id": account.uid,
                "user_id_str": account.uid,
                "name": name,
                "screen_name": name,
                "avatar_url": "",
            },
            "message": "success",
        }
    )
