"""A running bot halted through a broker, by a signed command typed elsewhere."""

import json
from pathlib import Path

from tests.e2e.bench import home, until
from tests.integration.mosquitto import free_port, mosquitto, needed


@needed
def test_a_bot_is_halted_through_the_broker(tmp_path: Path) -> None:
    port = free_port()
    key = tmp_path / "command.key"
    key.write_text("correct horse battery staple\n".replace(" ", "-"))
    key.chmod(0o600)
    with home(tmp_path) as it, mosquitto(tmp_path, port):
        sim = it.sim()
        profile = it.profile("afar", sim.bitmex, sim.tws)
        with profile.open("a") as file:
            file.write(f'\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\ncommand_key_file = "command.key"\n')
        it.basisbot("config", "check", "--profile", profile).said(0, "in order")
        words = ("mqtt", "halt", "--reason", "going to bed", "--profile", profile)
        bot = it.bot(profile)
        bot.trade()
        it.basisbot(*words).said(0, "done: halt")
        assert bot.get("/status")["trading"] == "halted"
        events = bot.get("/events")
        assert any("halted" in event["text"] and "going to bed" in event["text"] for event in events)

        told = json.loads(it.basisbot(*words, "--print", "--json").said(0).out)
        assert told["topic"] == "basisbot/afar/cmd/halt"
        assert json.loads(told["message"])["reason"] == "going to bed"
        bot.process.stop()
        until("the bot has gone", lambda: None if (it.instance(profile) / "daemon.json").exists() else True)
        it.basisbot(*words).refused(3, "no bot answered")

    it.basisbot(*words).refused(3, "cannot use the MQTT broker at 127.0.0.1")
    key.chmod(0o644)
    it.basisbot("config", "check", "--profile", profile).refused(2, "mqtt.command_key_file", "chmod 600")
    key.chmod(0o600)
    key.write_text("short")
    it.basisbot("config", "check", "--profile", profile).refused(2, "mqtt.command_key", "at least 20")
