/** The prompts that chat models were trained on: from messages to token ids. */
package dev.baichuan4j.internal.chat;
