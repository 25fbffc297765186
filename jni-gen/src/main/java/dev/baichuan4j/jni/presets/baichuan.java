package dev.baichuan4j.jni.presets;

import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** Tells JavaCPP how to map {@code baichuan.h}. */
@Properties(
    inherit = org.bytedeco.javacpp.presets.javacpp.class,
    value =
        @Platform(
            value = {"linux-x86_64", "linux-arm64", "macosx-x86_64", "macosx-arm64"},
            include = "baichuan.h",
            link = "baichuan"),
    target = "dev.baichuan4j.jni",
    global = "dev.baichuan4j.jni.global.baichuan")
@NoException
public class baichuan implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    infoMap.put(new Info("BC_API").cppTypes().annotations());
    infoMap.put(new Info("bc_status").valueTypes("int"));
    // No String overloads: they would cross as modified UTF-8, which differs for emoji.
    infoMap.put(
        new Info("const char")
            .valueTypes("@Cast(\"const char\") byte")
            .pointerTypes("@Cast(\"const char*\") BytePointer"));
    // Host memory only (shapes and results): native memory or an array, no java.nio buffer.
    infoMap.put(new Info("int32_t").valueTypes("int").pointerTypes("IntPointer", "int[]"));
    infoMap.put(
        new Info("int64_t")
            .valueTypes("long")
            .pointerTypes("@Cast(\"int64_t*\") LongPointer", "@Cast(\"int64_t*\") long[]"));
    infoMap.put(
        new Info("const int64_t")
            .valueTypes("long")
            .pointerTypes(
                "@Cast(\"const int64_t*\") LongPointer", "@Cast(\"const int64_t*\") long[]"));
    infoMap.put(new Info("double").valueTypes("double").pointerTypes("DoublePointer", "double[]"));
  }
}
