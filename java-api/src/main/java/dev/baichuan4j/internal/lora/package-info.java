/** Low-rank adapters (LoRA): folders as peft writes them, and weights that they are merged into. */
package dev.baichuan4j.internal.lora;
