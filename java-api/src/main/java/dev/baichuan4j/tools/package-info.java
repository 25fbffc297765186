/**
 * Functions that a model may call: {@link dev.baichuan4j.tools.Tools} declares them to it, binds
 * its text to valid calls, and reads them back.
 */
package dev.baichuan4j.tools;
