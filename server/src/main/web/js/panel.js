// The settings of the conversation that is shown.

import { h } from "./dom.js";
import { autosize } from "./autosize.js";
import { showDialog } from "./dialogs.js";
import { toast } from "./notices.js";
import { setPreference } from "./preferences.js";
import { FORMATS, MOST_ALTERNATIVES, NUMBERS, schemaFault } from "./settings.js";
import { t } from "./words.js";

const EXAMPLE_SCHEMA = '{\n  "type": "object",\n  "properties": {"answer": {"type": "string"}},\n  "required": ["answer"]\n}';

/** Shows the settings; what is changed holds from the next question on. */
export function showPanel(app, focusSchema = false) {
  if (document.querySelector(".panel")) return;
  const { system, settings } = app.current.record;
  const form = h("form", { onsubmit: (event) => event.preventDefault() },
    section(t("system"), systemField(app, system)),
    section(t("answerFormat"), ...formatFields(app, settings)),
    section(t("sampling"), h("p", { class: "quiet" }, t("samplingNote")), h("div", { class: "numbers" }, NUMBERS.map((number) => numberField(app, settings, number))), stopField(app, settings)),
    section(t("probabilities"), alternativesField(app, settings)),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "text-button", onclick: () => reset(app, dialog) }, t("resetSettings")),
      h("button", { type: "button", class: "main-button", onclick: () => makeDefault(app) }, t("makeDefault"))));
  const dialog = showDialog(t("settings"), "panel", form);
  const areas = form.querySelectorAll("textarea");
  areas.forEach((area) => area.addEventListener("input", () => autosize(area)));
  requestAnimationFrame(() => areas.forEach(autosize));
  if (focusSchema) form.querySelector("#schema").focus();
}

function section(title, ...content) {
  return h("fieldset", {}, h("legend", {}, title), ...content);
}

function systemField(app, system) {
  return h("textarea", {
    "aria-label": t("system"), placeholder: t("systemExample"), rows: 2, value: system,
    oninput: (event) => app.configure({ system: event.target.value }),
  });
}

function formatFields(app, settings) {
  const fault = h("p", { class: "failure", id: "schema-fault", role: "alert" });
  const schema = h("textarea", {
    id: "schema", class: "code-field", rows: 5, spellcheck: "false", "aria-label": t("schema"), "aria-describedby": fault.id,
    placeholder: EXAMPLE_SCHEMA, value: settings.schema ?? "",
    oninput: () => { app.configure({ schema: schema.value || undefined }); check(); },
  });
  const check = () => {
    schema.hidden = app.current.record.settings.format !== "json_schema";
    const wrong = schema.hidden ? null : schemaFault(schema.value);
    fault.textContent = wrong === null ? "" : wrong === "object" ? t("schemaNotObject") : t("schemaNotJson", wrong);
    schema.setAttribute("aria-invalid", wrong !== null);
  };
  const choices = FORMATS.map((format) => h("label", { class: "choice" }, h("input", {
    type: "radio", name: "format", value: format, checked: format === (settings.format ?? "text"),
    onchange: () => {
      app.configure({ format: format === "text" ? undefined : format });
      if (format === "json_schema" && !schema.value) {
        schema.value = EXAMPLE_SCHEMA;
        app.configure({ schema: schema.value });
      }
      check();
      autosize(schema);
    },
  }), t(`format_${format}`)));
  check();
  return [h("div", { class: "choices" }, choices), schema, fault];
}

function numberField(app, settings, { name, min, max, step }) {
  const fault = h("span", { class: "failure", id: `${name}-fault`, role: "alert" });
  const input = h("input", {
    type: "number", id: `setting-${name}`, min, max, step: "any", inputmode: step === 1 ? "numeric" : "decimal",
    placeholder: t("serverDecides"), value: settings[name] ?? "", "aria-describedby": fault.id,
    oninput: () => {
      const value = input.value === "" ? undefined : Number(input.value);
      const right = !input.validity.badInput && (value === undefined || (value >= (min ?? -Infinity) && value <= (max ?? Infinity) && (step !== 1 || Number.isInteger(value))));
      input.setAttribute("aria-invalid", !right);
      fault.textContent = right ? "" : t("range", min ?? "−∞", max ?? "∞");
      if (right) app.configure({ [name]: value });
    },
  });
  return h("div", { class: "number" }, h("label", { for: input.id }, t(`setting_${name}`), h("code", {}, name)), input, fault);
}

function stopField(app, settings) {
  return h("div", { class: "number" }, h("label", { for: "setting-stop" }, t("setting_stop"), h("code", {}, "stop")), h("textarea", {
    id: "setting-stop", rows: 1, placeholder: t("stopExample"), value: (settings.stop ?? []).join("\n"),
    oninput: (event) => {
      const lines = event.target.value.split("\n").filter((line) => line !== "");
      app.configure({ stop: lines.length ? lines : undefined });
    },
  }));
}

function alternativesField(app, settings) {
  const on = settings.alternatives !== undefined;
  const count = h("input", {
    type: "range", min: 0, max: MOST_ALTERNATIVES, step: 1, value: settings.alternatives ?? 5, disabled: !on, "aria-label": t("alternatives"),
    oninput: () => { shown.textContent = count.value; app.configure({ alternatives: Number(count.value) }); },
  });
  const shown = h("output", {}, count.value);
  return h("div", { class: "alternatives" }, h("label", { class: "choice" }, h("input", {
    type: "checkbox", checked: on,
    onchange: (event) => {
      count.disabled = !event.target.checked;
      app.configure({ alternatives: event.target.checked ? Number(count.value) : undefined });
    },
  }), t("askProbabilities")), h("span", { class: "range" }, t("alternatives"), count, shown));
}

function reset(app, dialog) {
  const { settings } = app.current.record;
  app.configure({ system: "", ...Object.fromEntries(Object.keys(settings).filter((name) => name !== "model").map((name) => [name, undefined])) });
  dialog.addEventListener("close", () => showPanel(app));
  dialog.close();
}

function makeDefault(app) {
  const { system, settings } = app.current.record;
  setPreference("defaults", { system, settings });
  toast(t("madeDefault"));
}
