"""The command `jimeng-api` and its subcommands."""

from __future__ import annotations

import typer

from jimeng_api.cli import (
    accounts,
    balance,
    finishing,
    image,
    jobs,
    keys,
    models,
    serve,
    simulate,
    video,
)

app = typer.Typer(
    name="jimeng-api",
    help="A gateway that gives Jimeng and Dreamina generation the shape of the OpenAI API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 gateway not reached, 130 interrupted.",
)
app.command("serve")(serve.serve)
app.command("simulate")(simulate.simulate)
app.command("image")(image.image)
app.command("video")(video.video)
app.command("upscale")(finishing.upscale)
app.command("outpaint")(finishing.outpaint)
app.command("repair")(finishing.repair)
app.command("models")(models.models)
app.add_typer(jobs.app, name="jobs")
app.command("credits")(balance.credits_)
app.add_typer(accounts.app, name="accounts")
app.add_typer(keys.app, name="keys")
