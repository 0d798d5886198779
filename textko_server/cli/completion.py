"""`textko completion`: scripts with which shells complete commands and options.

Made of the parser, so that they know what it knows. Refuses to know what a command does.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping

from textko_server.cli.exit_codes import EXIT_OK

_EXAMPLES = """examples:
  textko completion bash | sudo tee /usr/share/bash-completion/completions/textko
  textko completion zsh > ~/.zfunc/_textko
  textko completion fish > ~/.config/fish/completions/textko.fish"""
# Values that are a file or folder have one of these names in the help.
_PATHS = ("FILE", "DIR")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    completion = subparsers.add_parser(
        "completion",
        help="a script with which a shell completes commands and options",
        epilog=_EXAMPLES,
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    completion.set_defaults(run=run_completion)


def run_completion(options: argparse.Namespace) -> int:
    from textko_server.cli import build_parser

    tree = build_parser()
    scripts = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    sys.stdout.write(scripts[options.shell](tree))
    return EXIT_OK


# --- what there is to complete ---


def branches(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command, and group of commands, after the names that lead to it."""
    yield path, parser
    for name, child in children(parser).items():
        yield from branches(child, (*path, name))


def children(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def help_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What is said of each of its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {}


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """What may come next: its commands, what may stand for its arguments, and its options."""
    named = (a.choices for a in parser._actions if not a.option_strings and a.choices)
    flags = (flag for option in options_of(parser) for flag in option.option_strings)
    return [*(str(word) for words in named for word in words), *flags]


def _takes_value(option: argparse.Action) -> bool:
    return option.nargs != 0


# --- bash and zsh: along the words typed so far to the command they name, then what it takes ---


def _bash(tree: argparse.ArgumentParser) -> str:
    return "\n".join(
        [
            "# Completion of textko for bash; made by `textko completion bash`.",
            "_textko() {",
            "    local previous=${COMP_WORDS[COMP_CWORD-1]} at= offered= word= skip= i",
            "    for ((i = 1; i < COMP_CWORD; i++)); do",
            "        word=${COMP_WORDS[i]}",
            *_walk(tree),
            "    done",
            *_offer(tree, files="compopt -o default 2>/dev/null; COMPREPLY=()"),
            '    COMPREPLY=($(compgen -W "$offered" -- "${COMP_WORDS[COMP_CWORD]}"))',
            "}",
            "complete -F _textko textko\n",
        ]
    )


def _zsh(tree: argparse.ArgumentParser) -> str:
    return "\n".join(
        [
            "#compdef textko",
            "# Completion of textko for zsh; made by `textko completion zsh`.",
            "local previous=${words[CURRENT-1]} at= offered= word= skip= i",
            "    for ((i = 2; i < CURRENT; i++)); do",
            "        word=${words[i]}",
            *_walk(tree),
            "    done",
            *_offer(tree, files="_files"),
            "compadd -- ${=offered}\n",
        ]
    )


def _walk(tree: argparse.ArgumentParser) -> list[str]:
    """With each `word` a step; options and their values are none."""
    names = " | ".join(f'"{" ".join(path)}"' for path, _ in branches(tree) if path)
    return [
        "        if [[ -n $skip ]]; then skip=; continue; fi",
        '        case "$word" in',
        f"            {' | '.join(_with_value(tree))}) skip=1; continue ;;",
        "            -*) continue ;;",
        "        esac",
        '        case "${at:+$at }$word" in',
        f"            {names}) at=${{at:+$at }}$word ;;",
        "        esac",
    ]


def _offer(tree: argparse.ArgumentParser, files: str) -> list[str]:
    """After an option its values, else what the command `at` takes. `files` completes files."""
    options = _with_value(tree)
    paths = [flag for flag, option in options.items() if option.metavar in _PATHS]
    chosen = {f: " ".join(map(str, o.choices)) for f, o in options.items() if o.choices}
    others = [flag for flag in options if flag not in paths and flag not in chosen]
    return [
        '    case "$previous" in',
        f"        {' | '.join(paths)}) {files}; return ;;",
        *(f'        {flag}) offered="{words}"; at=done ;;' for flag, words in chosen.items()),
        f"        {' | '.join(others)}) return ;;",
        "    esac",
        '    case "$at" in',
        "        done) ;;",
        *(
            f'        "{" ".join(path)}") offered="{" ".join(_words(parser))}" ;;'
            for path, parser in branches(tree)
        ),
        "    esac",
    ]


def _with_value(tree: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Every option that has one, by its name; what has one anywhere counts as having one."""
    return {
        flag: option
        for _, parser in branches(tree)
        for option in options_of(parser)
        if _takes_value(option)
        for flag in option.option_strings
    }


# --- fish ---


def _fish(tree: argparse.ArgumentParser) -> str:
    lines = [
        "# Completion of textko for fish; made by `textko completion fish`.",
        "complete -c textko -f",
    ]
    for path, parser in branches(tree):
        below = children(parser)
        seen = " ; and ".join(f"__fish_seen_subcommand_from {name}" for name in path)
        not_yet = f"not __fish_seen_subcommand_from {' '.join(below)}" if below else ""
        when = " ; and ".join(part for part in (seen, not_yet) if part)
        condition = f"-n {_fish_quoted(when)}" if when else ""
        helps = help_of(parser)
        for name in below:
            lines.append(f"complete -c textko {condition} -a {name} -d {_fish_quoted(helps[name])}")
        for option in options_of(parser):
            lines.append(_fish_option(option, condition))
    return "\n".join(lines) + "\n"


def _fish_option(option: argparse.Action, condition: str) -> str:
    names = " ".join(
        f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
        for flag in option.option_strings
    )
    value = ""
    if option.choices:
        value = f" -x -a {_fish_quoted(' '.join(map(str, option.choices)))}"
    elif option.metavar in _PATHS:
        value = " -r -F"
    elif _takes_value(option):
        value = " -x"
    about = _fish_quoted(option.help or "")
    return f"complete -c textko {condition} {names}{value} -d {about}"


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
