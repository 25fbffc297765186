package dev.baichuan4j.jni.presets;

import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** Tells JavaCPP how to map baichuan.h. */
@Properties(
    inherit = org.bytedeco.javacpp.presets.javacpp.class,
    value = @Platform(include = "baichuan.h", link = "baichuan"),
    target = "dev.baichuan4j.jni",
    global = "dev.baichuan4j.jni.global.baichuan")
@NoException
public class baichuan implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    infoMap.put(new Info("BC_API").cppTypes().annotations());
    infoMap.put(new Info("bc_status").valueTypes("int"));
  }
}
