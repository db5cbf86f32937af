"""Apus's own worker: Gymnasium's and PettingZoo's environments."""

import importlib.metadata
import re
import sys


def installed(package):
    try:
        return [f"{package} {importlib.metadata.version(package)}"]
    except importlib.metadata.PackageNotFoundError:
        return []


# The packages of modules that are called otherwise, and of namespaces in environments' names.
PACKAGES = {
    "zmq": "pyzmq", "ale_py": "ale-py", "ALE": "ale-py", "cv2": "opencv-python-headless", "Box2D": "gymnasium[box2d]",
    "pygame": "pygame-ce", "MinAtar": "minatar", "MiniGrid": "minigrid", "BabyAI": "minigrid", "mpe": "mpe2", "PIL": "pillow",
}  # fmt: skip


def install(package):
    quoted = f'"{package}"' if "[" in package else package
    return f"{sys.executable} -m pip install {quoted}"


def make(message):
    from .serving import Refused

    family, _, name = message.environment.partition(":")
    try:
        if family == "pettingzoo":
            import pettingzoo  # noqa: F401  (missing: said before its environments are looked for)

            from .parallel import open_parallel

            return open_parallel(name, message)
        import gymnasium
    except ImportError as error:
        raise missing(error, message.environment) from error
    if family != "gymnasium":
        raise Refused(f'there are no environments "{family}:"', "Write gymnasium:ID or pettingzoo:MODULE/NAME.")
    try:
        return open_gymnasium(name, message)
    except gymnasium.error.DependencyNotInstalled as error:
        command = re.search(r"pip install ([\"'a-zA-Z0-9_.\-\[\],=<>]+)", str(error))
        package = command.group(1).strip("\"'.,") if command else ""
        raise Refused(str(error), install(package) if package else "") from error
    except ImportError as error:
        raise missing(error, message.environment) from error
    except gymnasium.error.UnregisteredEnv as error:
        namespace = name.partition("/")[0]
        if "/" in name and namespace in PACKAGES and not importlib.util.find_spec(PACKAGES[namespace].replace("-", "_")):
            raise Refused(f'"{name}" needs the package {PACKAGES[namespace]}', install(PACKAGES[namespace])) from error
        raise Refused(
            f'Gymnasium has no environment "{name}": {error}',
            "Write gymnasium:MODULE:ID if a module registers it. "
            f"All that are known: {sys.executable} -c 'import gymnasium; gymnasium.pprint_registry()'",
        ) from error
    except (gymnasium.error.DeprecatedEnv, gymnasium.error.Error) as error:
        raise Refused(f'Gymnasium does not make "{name}": {error}', "") from error
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None:
            raise
        problem = f'{name} has no option "{unknown.group(1)}"'
        raise Refused(problem, "Remove it: options are keyword arguments of gymnasium.make.") from error


def open_gymnasium(name, message):
    from .loop import open_loop

    plain = not message.options.pop("preprocessing", 1.0) if name.startswith("ALE/") else True
    if not plain:
        from .atari import open_atari

        return open_atari(name, message)
    namespace = {"ALE": "ale_py", "MinAtar": "minatar.gym", "MiniGrid": "minigrid", "BabyAI": "minigrid"}.get(name.partition("/")[0])
    if namespace:
        module = importlib.import_module(namespace)
        if hasattr(module, "register_envs"):
            module.register_envs()
    return open_loop(name, message)


def missing(error, environment):
    from .serving import Refused

    named = re.search(r"No module named '([\w.]+)'", str(error))
    module = (error.name or (named.group(1) if named else "")).partition(".")[0]
    if not module:
        command = re.search(r"pip install ([\w.\-\[\]]+)", str(error))
        package = command.group(1) if command else ""
        return Refused(f"{environment} cannot be imported: {error}", install(package) if package else "")
    return Refused(f'{environment} needs the Python module "{module}"', install(PACKAGES.get(module, module)))


def main():
    from .serving import serve

    libraries = [f"Python {sys.version.split()[0]}"]
    for package in ("numpy", "gymnasium", "ale-py", "mujoco", "pettingzoo", "pyzmq"):
        libraries += installed(package)
    serve(make, "apus_worker", libraries)


if __name__ == "__main__":
    main()
