/**
 * Fine-tuning: from files to samples of token ids with targets, the order and the steps in which
 * they are fed to a {@code TrainingPass}, what is written so that a run that was killed goes on as
 * if nothing had been, and the adapter or checkpoint in the end.
 */
package dev.baichuan4j.internal.train;
