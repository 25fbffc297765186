// Tests of the page's modules, which run in the browser; their results are in the promise pageTests.

import { run } from "./test.js";
import { conversationTests } from "./conversation-tests.js";
import { markdownTests } from "./markdown-tests.js";
import { mathTests } from "./math-tests.js";
import { sseTests } from "./sse-tests.js";
import { transferTests } from "./transfer-tests.js";
import { takeLanguage } from "../../main/web/js/words.js";

takeLanguage();
globalThis.pageTests = run({ ...conversationTests, ...markdownTests, ...mathTests, ...sseTests, ...transferTests });
