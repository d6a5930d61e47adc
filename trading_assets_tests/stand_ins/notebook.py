"""The part of `Experiments` that workflows use, kept in memory: MLflow takes seconds."""

import re

from trading_assets.storage.experiments import LoggedRun, RegisteredVersion


class Notebook:
    """The part of `Experiments` that workflows use, kept in memory."""

    def __init__(self):
        self.runs, self.versions, self.aliases_held = [], [], {}
        self.newest, self.views = {}, {}

    def log_run(self, experiment, run_name, *, tags, **values):
        logged = LoggedRun(f"m{len(self.runs)}", f"http://127.0.0.1:5000/#/runs/{len(self.runs)}")
        self.runs.append((experiment, run_name, dict(tags), values, logged))
        return logged

    def find_run(self, experiment, tags):
        for known, _, found, _, logged in self.runs:
            if known == experiment and tags.items() <= found.items():
                return logged
        return None

    def pages(self, run_ids):
        return {t["run_id"]: r.url for *_, t, _, r in self.runs if t.get("run_id") in run_ids}

    def add_to_run(
        self, run, *, at, metrics=None, tags=None, artifacts=None, curves=None, datasets=()
    ):
        for _, _, known, values, logged in self.runs:
            if logged == run:
                known.update(tags or {})
                latest = {name: points[-1][1] for name, points in (curves or {}).items()}
                values.setdefault("metrics", {}).update({**(metrics or {}), **latest})
                values["datasets"] = [*values.get("datasets", ()), *datasets]

    def mark_newest(self, experiment, run, strategy_id):
        self.newest[strategy_id] = run

    def keep_trials_view(self, experiment, parent, params, metrics):
        self.views[parent.run_id] = (experiment, list(params), list(metrics))
        return f"{parent.url}/trials"

    def log_model(self, run, model_text, features, *, name, metadata):
        return f"models:/{name}"

    def register(self, name, run, *, source, tags):
        numbers = [v for v in self.versions if v.name == name]
        version = RegisteredVersion(name, str(len(numbers) + 1), run.run_id, dict(tags))
        self.versions.append(version)
        return version

    def find_version(self, name, tags):
        found = [v for v in self.versions if v.name == name and tags.items() <= v.tags.items()]
        return found[-1] if found else None

    def move_alias(self, name, alias, version):
        self.aliases_held[name, alias] = version

    def remove_alias(self, name, alias):
        del self.aliases_held[name, alias]

    def tag_version(self, version, tags):
        version.tags.update(tags)

    def aliases(self, pattern):
        fits = re.compile(pattern.replace("%", ".*"))
        return {(n, a): self.alias(n, a) for n, a in self.aliases_held if fits.fullmatch(n)}

    def alias(self, name, alias):
        version = self.aliases_held.get((name, alias))
        found = [v for v in self.versions if (v.name, v.version) == (name, version)]
        return found[0] if found else None
