package dev.baichuan4j.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two tasks at once in one JVM: {@code local[2]}, or what baichuan4j.test.spark names. */
class SparkTest {
  private static final Path MODEL =
      Path.of(System.getProperty("baichuan4j.root"), "models", "tiny-baichuan2-13b-chat")
          .toAbsolutePath()
          .normalize();
  private static final StructType NUMBERED =
      new StructType().add("number", DataTypes.IntegerType).add("question", DataTypes.StringType);

  private static SparkSession spark;
  private static Baichuan alone;

  private static final String MASTER = System.getProperty("baichuan4j.test.spark", "local[2]");

  /** The model in an archive, as spark-submit --archives takes it. */
  private static Path archive(Path folder) throws IOException {
    Path archive = folder.resolve("tiny.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive));
        DirectoryStream<Path> files = Files.newDirectoryStream(MODEL)) {
      for (Path file : files) {
        zip.putNextEntry(new ZipEntry(file.getFileName().toString()));
        Files.copy(file, zip);
      }
    }
    return archive;
  }

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    spark =
        SparkSession.builder()
            .master(MASTER)
            // Executors of their own, if there are any, get the tests' class path and Java's
            // options.
            .config(
                "spark.executor.extraClassPath", System.getProperty("surefire.test.class.path", ""))
            .config(
                "spark.executor.extraJavaOptions",
                "-Dbaichuan4j.root="
                    + System.getProperty("baichuan4j.root")
                    + " -Dorg.bytedeco.javacpp.cachedir="
                    + System.getProperty("org.bytedeco.javacpp.cachedir"))
            .config("spark.archives", archive(folder) + "#sent")
            .config("spark.ui.enabled", false)
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", 2)
            .config("spark.task.maxFailures", 2)
            .getOrCreate();
    alone = Baichuan.load(MODEL);
  }

  @AfterAll
  static void stop() {
    spark.stop();
    TextGenerator.unload();
    alone.close();
  }

  private static Dataset<Row> rows(List<Row> rows, StructType schema) {
    return spark
        .createDataFrame(rows, schema)
        .repartition(4)
        .sortWithinPartitions(schema.fieldNames()[0]);
  }

  private static TextGenerator chat() {
    return TextGenerator.chat(MODEL.toString(), "question", "answer")
        .withLoader(loader -> loader.threads(1).maxConcurrent(4).maxQueued(6))
        .withOptions(options -> options.withDoSample(false).withMaxNewTokens(12))
        .withAhead(5);
  }

  private static GenerationOptions greedy() {
    return alone.defaultOptions().withDoSample(false).withMaxNewTokens(12);
  }

  @Test
  void answersAreThoseOfTheModelAloneInTheOrderOfTheRows() {
    List<Row> questions =
        IntStream.range(0, 40)
            .mapToObj(i -> RowFactory.create(i, i % 7 == 3 ? null : "第" + i + "首诗的作者是谁？"))
            .toList();
    // Less room in the queue than four tasks with five texts each want: they wait for each other.
    for (Row row : chat().apply(rows(questions, NUMBERED)).collectAsList()) {
      String question = row.getAs("question");
      Row answer = row.getAs("answer");
      if (question == null) {
        assertNull(answer);
        continue;
      }
      GenerationResult expected =
          alone.chat(List.of(ChatMessage.user(question)), greedy()).result();
      assertEquals(expected.text(), answer.getAs("text"), question);
      assertEquals(expected.usage().promptTokens(), answer.<Integer>getAs("prompt_tokens"));
      assertEquals(expected.usage().completionTokens(), answer.<Integer>getAs("generated_tokens"));
      assertEquals(expected.finishReason().name().toLowerCase(), answer.getAs("finish_reason"));
      assertNull(answer.getAs("error"));
    }
  }

  @Test
  void rowsOfAPartitionKeepTheirOrder() {
    List<Row> questions =
        IntStream.range(0, 30).mapToObj(i -> RowFactory.create(i, "你好".repeat(1 + i % 3))).toList();
    Dataset<Row> one = spark.createDataFrame(questions, NUMBERED).coalesce(1);
    List<Integer> numbers = new ArrayList<>();
    chat().apply(one).collectAsList().forEach(row -> numbers.add(row.getAs("number")));
    assertEquals(IntStream.range(0, 30).boxed().toList(), numbers);
  }

  @Test
  void conversationsAreAnsweredAsWholes() {
    StructType message =
        new StructType().add("role", DataTypes.StringType).add("content", DataTypes.StringType);
    StructType schema = new StructType().add("question", DataTypes.createArrayType(message));
    Row conversation =
        RowFactory.create(
            List.of(
                RowFactory.create("user", "你是谁？"),
                RowFactory.create("assistant", "我是百川。"),
                RowFactory.create("user", "静夜思的作者是谁？")));
    Row answer =
        chat().apply(spark.createDataFrame(List.of(conversation), schema)).first().getAs("answer");
    String expected =
        alone
            .chat(
                List.of(
                    ChatMessage.user("你是谁？"),
                    ChatMessage.assistant("我是百川。"),
                    ChatMessage.user("静夜思的作者是谁？")),
                greedy())
            .text();
    assertEquals(expected, answer.getAs("text"));
  }

  @Test
  void aTextThatIsTooLongFailsTheJobOrIsRecorded() {
    List<Row> questions =
        List.of(RowFactory.create(0, "床".repeat(3000)), RowFactory.create(1, "你好"));
    TextGenerator complete =
        TextGenerator.complete(MODEL.toString(), "question", "text")
            .withLoader(loader -> loader.threads(1))
            .withOptions(options -> options.withMaxNewTokens(4));
    Dataset<Row> rows = spark.createDataFrame(questions, NUMBERED);
    SparkException failure =
        assertThrows(SparkException.class, () -> complete.apply(rows).collectAsList());
    assertTrue(failure.getMessage().contains("ContextOverflowException"), failure.getMessage());

    List<Row> recorded =
        complete.withRefusals(Refusals.RECORD).apply(rows).orderBy("number").collectAsList();
    assertTrue(recorded.get(0).<Row>getAs("text").<String>getAs("error").contains("context"));
    assertNull(recorded.get(0).<Row>getAs("text").getAs("text"));
    assertNull(recorded.get(1).<Row>getAs("text").getAs("error"));
  }

  @Test
  void vectorsAreThoseOfTheModelAlone() {
    List<Row> texts =
        IntStream.range(0, 70)
            .mapToObj(i -> RowFactory.create(i, i == 5 ? null : "诗" + i))
            .toList();
    TextEmbedder embedder =
        TextEmbedder.of(MODEL.toString(), "question", "vector")
            .withLoader(loader -> loader.threads(1));
    for (Row row : embedder.apply(spark.createDataFrame(texts, NUMBERED)).collectAsList()) {
      String text = row.getAs("question");
      if (text == null) {
        assertNull(row.getAs("vector"));
        continue;
      }
      float[] expected = alone.embeddings().of(text);
      List<Float> found = row.getList(row.fieldIndex("vector"));
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], found.get(i), text);
      }
    }
  }

  @Test
  void tasksOfAJobShareAModelAndAnotherOneReplacesIt() {
    List<Row> questions = List.of(RowFactory.create(0, "你好"), RowFactory.create(1, "你是谁？"));
    Dataset<Row> rows = spark.createDataFrame(questions, NUMBERED).repartition(2);
    chat().apply(rows).collectAsList();
    chat().withRefusals(Refusals.RECORD).apply(rows).collectAsList();
    // A folder that is no checkpoint ends the job with what the loader says of it.
    SparkException failure =
        assertThrows(
            SparkException.class,
            () -> TextGenerator.chat("/nowhere", "question", "answer").apply(rows).collectAsList());
    assertTrue(failure.getMessage().contains("/nowhere"), failure.getMessage());
    assertEquals(2, chat().apply(rows).count());
  }

  @Test
  void aFolderThatSparkHasSentIsFoundByItsName() {
    Dataset<Row> rows = spark.createDataFrame(List.of(RowFactory.create(0, "你好")), NUMBERED);
    TextGenerator sent =
        TextGenerator.chat("sent", "question", "answer")
            .withLoader(loader -> loader.threads(1))
            .withOptions(options -> options.withDoSample(false).withMaxNewTokens(12));
    Row answer = sent.apply(rows).first().getAs("answer");
    assertEquals(
        alone.chat(List.of(ChatMessage.user("你好")), greedy()).text(), answer.getAs("text"));
  }

  @Test
  void aJobThatIsCancelledGivesItsModelBack() throws Exception {
    assumeTrue(MASTER.startsWith("local["), "the models of other processes cannot be counted");
    List<Row> questions =
        IntStream.range(0, 64).mapToObj(i -> RowFactory.create(i, "第" + i + "首诗")).toList();
    TextGenerator endless =
        chat().withOptions(options -> options.withIgnoreEnd(true).withMaxNewTokens(900));
    Dataset<Row> rows = endless.apply(spark.createDataFrame(questions, NUMBERED));
    CompletableFuture<List<Row>> job = CompletableFuture.supplyAsync(rows::collectAsList);
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
    while (spark.sparkContext().statusTracker().getActiveJobIds().length == 0
        || ExecutorModels.loaded() == 0) {
      assertTrue(System.nanoTime() < deadline, "the job has not begun");
      Thread.sleep(10);
    }
    spark.sparkContext().cancelAllJobs();
    assertThrows(ExecutionException.class, () -> job.get(2, TimeUnit.MINUTES));
    while (ExecutorModels.loaded() > 0) { // Tasks end after the job has.
      TextGenerator.unload();
      assertTrue(System.nanoTime() < deadline, "a task has kept its model");
      Thread.sleep(10);
    }
  }

  @Test
  void columnsThatDoNotFitAreRefusedBeforeAnythingRuns() {
    Dataset<Row> rows = spark.createDataFrame(List.of(), NUMBERED);
    assertThrows(
        InvalidRequestException.class,
        () -> TextGenerator.chat(MODEL.toString(), "absent", "answer").apply(rows));
    assertThrows(
        InvalidRequestException.class,
        () -> TextGenerator.chat(MODEL.toString(), "number", "answer").apply(rows));
    assertThrows(
        InvalidRequestException.class,
        () -> TextGenerator.chat(MODEL.toString(), "question", "number").apply(rows));
    Object local = new Object();
    assertThrows(
        IllegalArgumentException.class,
        () -> chat().withLoader(loader -> loader.threads(local.hashCode() == 0 ? 1 : 2)));
  }
}
