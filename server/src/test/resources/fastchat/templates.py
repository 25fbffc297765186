"""Prints, as JSON, FastChat's templates and the prompts that they make of conversations.

Standard input has a list of conversations: [[role, text], ...] each, with "system" for a system text.
"""
import dataclasses
import json
import sys

from fastchat.conversation import get_conv_template

conversations = json.load(sys.stdin)
result = {}
for name in ["baichuan-chat", "baichuan2-chat", "zero_shot"]:
    template = get_conv_template(name)
    fields = dataclasses.asdict(template)
    fields["sep_style"] = int(fields["sep_style"])
    prompts = []
    for conversation in conversations:
        one = get_conv_template(name)
        one.messages = []
        for role, text in conversation:
            if role == "system":
                one.set_system_message(text)
            else:
                one.append_message(one.roles[0 if role == "user" else 1], text)
        one.append_message(one.roles[1], None)
        prompts.append(one.get_prompt())
    result[name] = {"template": fields, "prompts": prompts}
print(json.dumps(result))
