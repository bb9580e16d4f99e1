package daybook;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.math.*;
import java.util.*;
import java.util.regex.Pattern;
import org.apache.flink.api.common.serialization.*;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.*;
import org.apache.flink.core.memory.*;
import org.apache.flink.metrics.*;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.*;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.io.JsonStringEncoder;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.json.JsonReadFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.*;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.*;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.factories.*;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * A Flink format that judges an event by its contract while it decodes it: a typed row, or nothing. `contracts/validator.py` is the reference.
 * Metrics of a source, each after `daybook.(stream)`: `accepted`, `bytes` (of all records), `undeclared_keys`, `refused.(reason)`. Every reason is
 * a fault of the record, except `decoder_failed`, which is one of this file.
 */
public final class DaybookJson {
  private static final Set<String> NOT_NUMBERS = Set.of("NaN", "Infinity", "-Infinity");
  private static final Pattern PLAIN_KEY = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]{0,63}");
  private static final Pattern INTEGER = Pattern.compile("0|-?[1-9][0-9]*");
  private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]{1,3})?");
  private static final Pattern PAIR = Pattern.compile("\\\\[^u]|\\\\u[dD][89abAB]..\\\\u[dD][c-fC-F].."), HALF = Pattern.compile("\\\\u[dD][89a-fA-F]");
  private static final int LONGEST_NUMBER = 64, MOST_KEYS = 16, LONG_RECORD = 4096;
  private static final long MOST_DOLLARS = Long.MAX_VALUE / 1_000_000_000, FNV_OFFSET = 0xCBF29CE484222325L, FNV_PRIME = 0x100000001B3L, LOW_HALF = 0xFFFFFFFFL;
  private static final byte[][] BOOLEANS = bytesOf(List.of("false", "true"));

  /** What Flink finds by the name of the format. */
  public static final class Factory implements DeserializationFormatFactory {
    private static final ConfigOption<String> RULES = ConfigOptions.key("rules").stringType().noDefaultValue();
    private static final ConfigOption<String> SOURCE = ConfigOptions.key("source").stringType().noDefaultValue();

    @Override public String factoryIdentifier() { return "daybook-json"; }
    @Override public Set<ConfigOption<?>> requiredOptions() { return Set.of(RULES, SOURCE); }
    @Override public Set<ConfigOption<?>> optionalOptions() { return Set.of(); }

    @Override public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(DynamicTableFactory.Context table, ReadableConfig options) {
      FactoryUtil.validateFactoryOptions(this, options);
      String planned = options.get(SOURCE), compiled = Factory.class.getPackage().getImplementationVersion();
      if (!planned.equals(compiled)) {
        throw new ValidationException("daybook-json.source: the table was planned with decoder " + planned + ", and this is " + compiled);
      }
      return new Format(options.get(RULES));
    }
  }

  private record Format(String rules) implements DecodingFormat<DeserializationSchema<RowData>> {
    @Override public ChangelogMode getChangelogMode() { return ChangelogMode.insertOnly(); }
    @Override public DeserializationSchema<RowData> createRuntimeDecoder(DynamicTableSource.Context context, DataType type) {
      return new Decoder(rules, (RowType) type.getLogicalType(), context.createTypeInformation(type));
    }
  }

  /** The judge in a job: makes rows of what it accepts, and counts. It is sent to the workers, so that it keeps only what can be serialised. */
  private static final class Decoder extends AbstractDeserializationSchema<RowData> {
    private static final long serialVersionUID = 1;
    private final String rules;
    private final int[] positions; // in the row, of the judge's columns
    private transient Judge judge;
    private transient MetricGroup metrics;
    private transient Map<String, Counter> counters;

    Decoder(String rules, RowType row, TypeInformation<RowData> type) {
      super(type);
      this.rules = rules;
      Map<String, String> columns = new Judge(rules).columns, declared = new LinkedHashMap<>();
      row.getFields().forEach(field -> declared.put(field.getName(), field.getType().copy(true).asSummaryString()));
      if (!declared.equals(columns)) throw new ValidationException("daybook-json: the physical columns must be " + columns + " and are " + declared);
      positions = columns.keySet().stream().mapToInt(row::getFieldIndex).toArray();
    }

    @Override public void open(InitializationContext context) {
      judge = new Judge(rules);
      metrics = context.getMetricGroup().addGroup("daybook").addGroup(judge.stream);
      counters = new HashMap<>();
      List.of("accepted", "bytes", "undeclared_keys").forEach(name -> count(name, 0));
    }

    @Override public RowData deserialize(byte[] record) {
      boolean isAccepted = judge.accepts(record);
      count("bytes", record == null ? 0 : record.length);
      count(isAccepted ? "accepted" : "refused." + judge.reason, 1);
      if (!isAccepted) return null;
      count("undeclared_keys", judge.undeclared);
      GenericRowData row = new GenericRowData(positions.length);
      for (int i = 0; i < positions.length; i++) row.setField(positions[i], judge.values[i]);
      return row;
    }

    private void count(String name, long more) { counters.computeIfAbsent(name, metrics::counter).inc(more); }
  }

  /** Judges one record after the other by the rules that `contracts/rules.py` exports; not to be shared between threads. */
  public static final class Judge {
    public final String stream;
    public final Map<String, String> columns = new LinkedHashMap<>(); // name to SQL type: the fields, then what the decoder adds
    public final Object[] values; // of an accepted record, in the order of the columns
    public String reason, field; // why a record is refused, and the field it is about or null
    int undeclared; // keys of an accepted record that its event type does not carry
    private final Map<String, Field> byName = new LinkedHashMap<>();
    private final Field[] fields;
    private final byte[][] events, regions;
    private final List<Between> between = new ArrayList<>();
    private final List<Slot> filled = new ArrayList<>();
    private JsonFactory factory = newFactory();
    private JsonParser parser;
    private byte[] record;

    public Judge(String json) {
      JsonNode rules = parsed(json);
      stream = rules.get("stream").asText();
      for (JsonNode rule : rules.get("fields")) {
        Field each = new Field(rule, rules.get("envelope"), rules.get("events"));
        byName.put(each.name, each);
        columns.put(each.name, each.column());
      }
      columns.put("payload_hash", "BIGINT");
      columns.put("undeclared_keys", "STRING");
      fields = byName.values().toArray(new Field[0]);
      values = new Object[columns.size()];
      events = rules.get("events").properties().stream().map(event -> event.getKey().getBytes(UTF_8)).toArray(byte[][]::new);
      regions = bytesOf(texts(rules.path("regions")));
      for (JsonNode rule : rules.path("between")) {
        List<Field> parts = texts(rule.get("parts")).stream().map(byName::get).toList();
        between.add(new Between(parts, byName.get(rule.get("at_most").asText()), rule.path("plus").asLong(), rule.get("reason").asText()));
      }
    }

    /** Whether the record keeps the contract. Whatever the bytes are, nothing is thrown. */
    public boolean accepts(byte[] bytes) {
      field = null;
      try {
        reason = bytes == null ? "null_value" : judge(bytes);
      } catch (Refusal refusal) {
        reason = refusal.getMessage();
      } catch (JsonProcessingException error) {
        reason = "malformed";
      } catch (IOException | RuntimeException | StackOverflowError error) {
        reason = "decoder_failed";
      }
      return reason == null;
    }

    private static JsonFactory newFactory() {
      var limits = StreamReadConstraints.builder().maxNestingDepth(100).maxNameLength(Integer.MAX_VALUE)
          .maxNumberLength(Integer.MAX_VALUE).maxStringLength(Integer.MAX_VALUE).build();
      return new JsonFactoryBuilder().streamReadConstraints(limits)
          .disable(JsonFactory.Feature.CHARSET_DETECTION).disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build(); // to tell them from other words
    }

    private String judge(byte[] bytes) throws IOException {
      filled.forEach(slot -> slot.token = null);
      filled.clear();
      record = bytes;
      String text = new String(bytes, UTF_8); // Java puts U+FFFD where UTF-8 is broken, so that other bytes come back.
      if (!Arrays.equals(text.getBytes(UTF_8), bytes)) return "invalid_utf8";
      int first = skipBlanks(0), end;
      if (first == bytes.length || bytes[first] != '{') return first < bytes.length && bytes[first] == '[' ? "array" : "malformed";
      Map<String, Slot> strangers;
      try (JsonParser opened = factory.createParser(bytes)) {
        parser = opened;
        parser.nextToken();
        strangers = readMembers(byName);
        end = skipBlanks((int) parser.currentLocation().getByteOffset());
      }
      if (bytes.length > LONG_RECORD) factory = newFactory(); // It remembers 6,000 keys, however long they are.
      if (end < bytes.length) return bytes[end] == '{' ? "several_objects" : "trailing_content";
      // In well-formed JSON every backslash begins an escape: without the pairs and what else could hide it, a half is plain to see.
      boolean hasSurrogate = text.contains("\\ud") || text.contains("\\uD");
      if (hasSurrogate && HALF.matcher(PAIR.matcher(text).replaceAll("")).find()) return "half_surrogate";
      return violation(strangers.values());
    }

    private int skipBlanks(int at) {
      while (at < record.length && (record[at] == ' ' || record[at] == '\n' || record[at] == '\r' || record[at] == '\t')) at++;
      return at;
    }

    /** Reads the object that is open into the slots of known keys; returns the slots of all others. */
    private Map<String, Slot> readMembers(Map<String, ? extends Slot> known) throws IOException {
      Map<String, Slot> others = Map.of();
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        Slot slot = known.get(name);
        if (slot == null && others.isEmpty()) others = new HashMap<>();
        read(slot != null ? slot : others.computeIfAbsent(name, Slot::new), parser.nextToken());
      }
      return others;
    }

    /** Points at the value in the record: only a string with escapes is copied. Jackson judges a string when it goes on to the next token. */
    private void read(Slot slot, JsonToken token) throws IOException {
      if (slot.token != null) throw new Refusal("repeated_key");
      slot.token = token;
      filled.add(slot);
      int from = (int) parser.currentTokenLocation().getByteOffset(), to = from;
      if (token == JsonToken.START_OBJECT && slot instanceof Field object && object.type == Type.OBJECT) {
        object.others = readMembers(object.members).values();
      } else if (token == JsonToken.VALUE_STRING) {
        for (to = ++from; to < record.length && record[to] != '"'; to++) {
          if (record[to] == '\\') {
            slot.set(parser.getText().getBytes(UTF_8));
            return;
          }
        }
      } else {
        while (to < record.length && record[to] > ' ' && record[to] != ',' && record[to] != '}') to++;
        skip(token);
      }
      slot.set(record, from, to);
    }

    /** Goes to the end of a value, and refuses the words that Jackson takes for numbers. */
    private void skip(JsonToken token) throws IOException {
      for (int depth = 0; ; token = parser.nextToken()) {
        depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        if (token == JsonToken.VALUE_NUMBER_FLOAT && parser.isNaN()) {
          throw new Refusal(NOT_NUMBERS.contains(parser.getText()) ? "not_a_number" : "malformed");
        }
        if (depth == 0) return;
      }
    }

    /** The first violation of a well-formed record, with `field`; lands it when there is none. */
    private String violation(Collection<Slot> strangers) {
      Field region = byName.get("region"), type = byName.get(field = "event_type");
      int event = type.hasText() ? type.indexIn(events) : -1;
      if (regions.length > 0 && region.hasText() && region.indexIn(regions) < 0) {
        field = region.name;
        return "wrong_region";
      }
      if (event < 0) return type.isPresent() && !type.isEmpty() ? "unknown_event_type" : "missing";
      for (Field each : fields) {
        field = each.name;
        String why = each.violation(event);
        if (why != null) return why;
      }
      for (Between rule : between) {
        field = rule.firstViolating();
        if (field != null) return rule.reason;
      }
      field = null;
      land(event, strangers);
      return null;
    }

    private void land(int event, Collection<Slot> strangers) {
      MemorySegment[] segments = {MemorySegmentFactory.wrap(record)};
      Set<String> names = new TreeSet<>();
      long hash = 0;
      for (int i = 0; i < fields.length; i++) {
        Field each = fields[i];
        boolean isLanded = each.isPresent() && each.isCarriedBy[event];
        values[i] = isLanded ? each.landed(segments) : null;
        hash += isLanded ? each.hash() : 0;
        if (each.isPresent() && !isLanded) names.add(each.name);
      }
      strangers.stream().filter(Slot::isPresent).forEach(key -> names.add(PLAIN_KEY.matcher(key.name).matches() ? key.name : "?"));
      undeclared = names.size();
      values[fields.length] = hash;
      values[fields.length + 1] = names.isEmpty() ? null : StringData.fromString(String.join(",", names.stream().limit(MOST_KEYS).toList()));
    }
  }

  /** A key and its value in the record at hand: the text is bytes[from:to], of the record itself where possible. */
  private static class Slot {
    final String name;
    JsonToken token; // null: the record has no such key
    byte[] bytes;
    int from, to;

    Slot(String name) { this.name = name; }

    void set(byte[] text) { set(text, 0, text.length); }
    void set(byte[] text, int first, int end) {
      bytes = text;
      from = first;
      to = end;
    }

    boolean isPresent() { return token != null && token != JsonToken.VALUE_NULL; }
    boolean hasText() { return isPresent() && token.isScalarValue(); }
    boolean isEmpty() { return hasText() && from == to; }
    String text() { return new String(bytes, from, to - from, UTF_8); }
    String json() { return token == JsonToken.VALUE_STRING ? quoted(text()) : text(); }

    int indexIn(byte[][] words) {
      for (int i = 0; i < words.length; i++) {
        if (Arrays.equals(words[i], 0, words[i].length, bytes, from, to)) return i;
      }
      return -1;
    }
  }

  private enum Type { TEXT, INTEGER, NUMBER, MONEY, BOOLEAN, OBJECT }

  /** A field of the contract and its value in the record at hand. */
  private static final class Field extends Slot {
    final Type type;
    final Map<String, Slot> members = new LinkedHashMap<>(); // of an object, in the order of its text
    final boolean[] isCarriedBy, isRequiredBy; // by number of the event type
    final byte[][][] onlyBy;
    private final long min, max, seed;
    private final int shortest, longest;
    private final String reason, noneOf, onlyOf;
    private final boolean isNarrow;
    private final byte[][] allowed;
    Collection<Slot> others; // members that the contract does not know
    long value; // of what is no text: a double by its bits, false and true as 0 and 1

    Field(JsonNode rule, JsonNode envelope, JsonNode events) {
      super(rule.get("name").asText());
      type = Type.valueOf(rule.get("type").asText().toUpperCase(Locale.ROOT));
      texts(rule.path("keys")).forEach(key -> members.put(key, new Slot(key)));
      min = rule.path("min").asLong(Long.MIN_VALUE);
      max = rule.path("max").asLong(type == Type.MONEY ? MOST_DOLLARS : Long.MAX_VALUE);
      shortest = rule.path("length").asInt(0);
      longest = rule.path("length").asInt(rule.path("max_length").asInt(Integer.MAX_VALUE));
      reason = rule.path("reason").asText("too_long");
      noneOf = rule.path("none_of").asText("");
      onlyOf = rule.path("only_of").asText("");
      isNarrow = shortest > 0 || noneOf.length() + onlyOf.length() > 0;
      allowed = bytesOf(texts(rule.path("enum")));
      isCarriedBy = new boolean[events.size()];
      isRequiredBy = new boolean[events.size()];
      onlyBy = new byte[events.size()][][];
      int number = 0;
      for (JsonNode event : events) {
        isCarriedBy[number] = texts(envelope).contains(name) || texts(event.get("carried")).contains(name);
        isRequiredBy[number] = texts(event.get("required")).contains(name);
        onlyBy[number++] = bytesOf(texts(event.path("only").path(name)));
      }
      set((name + "\0").getBytes(UTF_8));
      seed = fnv(FNV_OFFSET);
    }

    String violation(int event) {
      String why = isPresent() ? violation() : null;
      if (why == null && isRequiredBy[event] && (!isPresent() || isEmpty())) return "missing";
      return why == null && isPresent() && onlyBy[event].length > 0 && indexIn(onlyBy[event]) < 0 ? "not_allowed" : why;
    }

    private String violation() {
      if (type == Type.OBJECT ? token != JsonToken.START_OBJECT : !hasText()) return "wrong_type";
      return switch (type) {
        case TEXT -> textViolation();
        case BOOLEAN -> (value = indexIn(BOOLEANS)) < 0 ? "wrong_type" : null;
        case OBJECT -> objectViolation();
        case INTEGER, NUMBER, MONEY -> {
          String text = to - from <= LONGEST_NUMBER ? text() : "";
          if (!(type == Type.INTEGER ? INTEGER : NUMBER).matcher(text).matches()) yield "wrong_type";
          yield type == Type.INTEGER ? integerViolation(text) : type == Type.NUMBER ? numberViolation(text) : moneyViolation(new BigDecimal(text));
        }
      };
    }

    private String textViolation() {
      String text = isNarrow || to - from > longest ? text() : null;
      int length = text == null ? to - from : text.codePointCount(0, text.length());
      if (length < shortest || length > longest || isNarrow && !text.codePoints().allMatch(this::isAllowed)) return reason;
      return allowed.length > 0 && indexIn(allowed) < 0 ? "not_allowed" : null;
    }

    private boolean isAllowed(int codePoint) { return noneOf.indexOf(codePoint) < 0 && (onlyOf.isEmpty() || onlyOf.indexOf(codePoint) >= 0); }

    private String integerViolation(String text) {
      if (text.length() > 18 && new BigInteger(text).bitLength() > 63) return "beyond_64_bits";
      value = Long.parseLong(text);
      return value < min || value > max ? "out_of_range" : null;
    }

    private String numberViolation(String text) {
      double number = Double.parseDouble(text) + 0.0; // -0.0 becomes 0.0.
      value = Double.doubleToLongBits(number);
      return Double.isInfinite(number) ? "beyond_64_bits" : number < min || number > max ? "out_of_range" : null;
    }

    private String moneyViolation(BigDecimal dollars) {
      if (bytes[from] == '-' || dollars.compareTo(BigDecimal.valueOf(max)) > 0) return "out_of_range";
      BigDecimal nanos = dollars.movePointRight(9).stripTrailingZeros();
      value = nanos.longValue();
      return nanos.scale() > 0 ? "too_precise" : null;
    }

    private String objectViolation() {
      if (!others.isEmpty() || members.values().stream().anyMatch(member -> member.isPresent() && !member.hasText())) return "unexpected_attribute";
      StringJoiner text = new StringJoiner(",", "{", "}");
      members.values().stream().filter(Slot::isPresent).forEach(member -> text.add(quoted(member.name) + ":" + member.json()));
      set(text.toString().getBytes(UTF_8));
      return null;
    }

    String column() {
      return switch (type) {
        case TEXT, OBJECT -> "STRING";
        case INTEGER, MONEY -> "BIGINT";
        case NUMBER -> "DOUBLE";
        case BOOLEAN -> "BOOLEAN";
      };
    }

    /** What the row holds; `segments` are the record, of which most texts are slices. */
    Object landed(MemorySegment[] segments) {
      return switch (type) {
        case TEXT, OBJECT -> segments[0].getArray() == bytes ? new BinaryStringData(segments, from, to - from) : StringData.fromBytes(bytes);
        case INTEGER, MONEY -> (Object) value;
        case NUMBER -> Double.longBitsToDouble(value);
        case BOOLEAN -> value == 1;
      };
    }

    /** FNV-1a of the name, a zero byte and the value, through murmur3's finaliser. */
    long hash() {
      boolean isText = type == Type.TEXT || type == Type.OBJECT;
      long hash = isText ? fnv(seed) : seed;
      for (int shift = isText ? -1 : type == Type.BOOLEAN ? 0 : 56; shift >= 0; shift -= 8) hash = (hash ^ value >>> shift & 0xFF) * FNV_PRIME;
      hash = (hash ^ hash >>> 33) * 0xFF51AFD7ED558CCDL;
      hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
      return hash ^ hash >>> 33;
    }

    private long fnv(long hash) {
      for (int i = from; i < to; i++) hash = (hash ^ bytes[i] & 0xFF) * FNV_PRIME;
      return hash;
    }
  }

  /** A rule between fields: the sum of the parts is at most the whole and something. */
  private record Between(List<Field> parts, Field whole, long plus, String reason) {
    /** The first part that is present, when the rule is violated. Two halves are summed, of which neither overflows. */
    String firstViolating() {
      String first = null;
      long high = (whole.value >> 32) + (plus >> 32), low = (whole.value & LOW_HALF) + (plus & LOW_HALF);
      for (Field part : parts) {
        if (!part.isPresent()) continue;
        if (first == null) first = part.name;
        high -= part.value >> 32;
        low -= part.value & LOW_HALF;
      }
      return whole.isPresent() && high + (low >> 32) < 0 ? first : null;
    }
  }

  private static JsonNode parsed(String rules) {
    try {
      return new ObjectMapper().readTree(rules);
    } catch (JsonProcessingException error) {
      throw new ValidationException("daybook-json.rules: " + error.getMessage());
    }
  }

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(each -> texts.add(each.asText()));
    return texts;
  }

  private static byte[][] bytesOf(List<String> texts) { return texts.stream().map(each -> each.getBytes(UTF_8)).toArray(byte[][]::new); }

  private static String quoted(String text) { return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"'; }

  /** Ends the reading of a record; the message is the reason. */
  private static final class Refusal extends IOException {
    private static final long serialVersionUID = 1;

    Refusal(String reason) { super(reason); }
    @Override public Throwable fillInStackTrace() { return this; } // Nobody reads it, and it costs more than the record.
  }
}
