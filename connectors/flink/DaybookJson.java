package daybook;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.*;
import java.util.regex.Pattern;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.*;
import org.apache.flink.metrics.*;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.*;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.json.JsonReadFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.*;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.*;
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
  private static final long[] POWERS = {1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000};
  private static final long NANO = POWERS[9], FNV_OFFSET = 0xCBF29CE484222325L, FNV_PRIME = 0x100000001B3L, LOW_HALF = 0xFFFFFFFFL;

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
  private static final class Decoder implements DeserializationSchema<RowData> {
    private static final long serialVersionUID = 1;
    private final String rules;
    private final int[] positions; // in the row, of the judge's columns
    private final TypeInformation<RowData> type;
    private transient Judge judge;
    private transient Counter accepted, bytes, undeclared;
    private transient MetricGroup refused;
    private transient Map<String, Counter> refusals;

    Decoder(String rules, RowType row, TypeInformation<RowData> type) {
      this.rules = rules;
      this.type = type;
      Map<String, String> columns = new Rules(rules).columns, declared = new LinkedHashMap<>();
      row.getFields().forEach(field -> declared.put(field.getName(), field.getType().copy(true).asSummaryString()));
      if (!declared.equals(columns)) {
        throw new ValidationException("daybook-json: the physical columns must be " + columns + " and are " + declared);
      }
      positions = columns.keySet().stream().mapToInt(row::getFieldIndex).toArray();
    }

    @Override public TypeInformation<RowData> getProducedType() { return type; }

    @Override public boolean isEndOfStream(RowData row) { return false; }

    @Override public void open(InitializationContext context) {
      judge = new Judge(rules);
      MetricGroup group = context.getMetricGroup().addGroup("daybook").addGroup(judge.rules.stream);
      accepted = group.counter("accepted");
      bytes = group.counter("bytes");
      undeclared = group.counter("undeclared_keys");
      refused = group.addGroup("refused");
      refusals = new HashMap<>();
    }

    @Override public RowData deserialize(byte[] record) {
      bytes.inc(record == null ? 0 : record.length);
      if (!judge.accepts(record)) {
        refusals.computeIfAbsent(judge.reason, refused::counter).inc();
        return null;
      }
      accepted.inc();
      undeclared.inc(judge.undeclared);
      GenericRowData row = new GenericRowData(positions.length);
      for (int i = 0; i < positions.length; i++) {
        row.setField(positions[i], judge.values[i]);
      }
      return row;
    }
  }

  /** Judges one record after the other; not to be shared between threads. */
  static final class Judge {
    final Rules rules;
    final Object[] values; // of an accepted record, in the order of the columns
    int undeclared; // keys of an accepted record that its event type does not carry
    String reason, field; // why a record is refused, and the field it is about or null
    private final List<Slot> filled = new ArrayList<>();
    private JsonFactory factory = newFactory();
    private JsonParser parser;
    private byte[] record;

    Judge(String json) {
      rules = new Rules(json);
      values = new Object[rules.columns.size()];
    }

    /** Whether the record keeps the contract. Whatever the bytes are, nothing is thrown. */
    boolean accepts(byte[] bytes) {
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
      if (!Arrays.equals(text.getBytes(UTF_8), bytes)) {
        return "invalid_utf8";
      }
      int first = skipBlanks(0), end;
      if (first == bytes.length || bytes[first] != '{') {
        return first < bytes.length && bytes[first] == '[' ? "array" : "malformed";
      }
      Map<String, Slot> strangers;
      try (JsonParser opened = factory.createParser(bytes)) {
        parser = opened;
        parser.nextToken();
        strangers = readMembers(rules.byName);
        end = skipBlanks((int) parser.currentLocation().getByteOffset());
      }
      factory = bytes.length > LONG_RECORD ? newFactory() : factory; // It remembers 6,000 keys, however long they are.
      if (end < bytes.length) {
        return bytes[end] == '{' ? "several_objects" : "trailing_content";
      }
      // In well-formed JSON every backslash begins an escape: without the pairs and what else could hide it, a half is plain to see.
      boolean hasSurrogate = text.contains("\\ud") || text.contains("\\uD");
      return hasSurrogate && HALF.matcher(PAIR.matcher(text).replaceAll("")).find() ? "half_surrogate" : violation(strangers.values());
    }

    private int skipBlanks(int at) {
      while (at < record.length && (record[at] == ' ' || record[at] == '\n' || record[at] == '\r' || record[at] == '\t')) {
        at++;
      }
      return at;
    }

    /** Reads the object that is open into the slots of known keys; returns the slots of all others. */
    private Map<String, Slot> readMembers(Map<String, ? extends Slot> known) throws IOException {
      Map<String, Slot> others = Map.of();
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        Slot slot = known.get(name);
        if (slot == null) {
          others = others.isEmpty() ? new HashMap<>() : others;
          slot = others.computeIfAbsent(name, Slot::new);
        }
        read(slot, parser.nextToken());
      }
      return others;
    }

    /** Points at the value in the record: only a string with escapes is copied. Jackson judges a string when it goes on to the next token. */
    private void read(Slot slot, JsonToken token) throws IOException {
      if (slot.token != null) {
        throw new Refusal("repeated_key");
      }
      slot.token = token;
      filled.add(slot);
      int from = (int) parser.currentTokenLocation().getByteOffset(), to = from;
      if (token == JsonToken.START_OBJECT && slot instanceof Field object && object.type == Type.OBJECT) {
        object.others = readMembers(object.members).values();
      } else if (token == JsonToken.VALUE_STRING) {
        for (to = ++from; to < record.length && record[to] != '"'; to++) {
          if (record[to] == '\\') {
            byte[] copy = parser.getText().getBytes(UTF_8);
            slot.set(copy, 0, copy.length);
            return;
          }
        }
      } else {
        while (to < record.length && record[to] > ' ' && record[to] != ',' && record[to] != '}') {
          to++;
        }
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
        if (depth == 0) {
          return;
        }
      }
    }

    /** The first violation of a well-formed record; lands it when there is none. */
    private String violation(Collection<Slot> strangers) {
      Field region = rules.byName.get("region"), type = rules.byName.get("event_type");
      if (rules.regions != null && region.hasText() && region.indexIn(rules.regions) < 0) {
        return refuse(region, "wrong_region");
      }
      int event = type.hasText() ? type.indexIn(rules.events) : -1;
      if (event < 0) {
        return refuse(type, type.isPresent() && !type.isEmpty() ? "unknown_event_type" : "missing");
      }
      for (Field each : rules.fields) {
        String why = each.violation(event);
        if (why != null) {
          return refuse(each, why);
        }
      }
      for (Between rule : rules.between) {
        Field first = rule.firstViolating();
        if (first != null) {
          return refuse(first, rule.reason);
        }
      }
      land(event, strangers);
      return null;
    }

    private String refuse(Field about, String why) {
      field = about.name;
      return why;
    }

    private void land(int event, Collection<Slot> strangers) {
      List<Slot> left = new ArrayList<>(strangers);
      long hash = 0;
      for (int i = 0; i < rules.fields.length; i++) {
        Field each = rules.fields[i];
        boolean isLanded = each.isPresent() && each.isCarriedBy[event];
        values[i] = isLanded ? each.landed() : null;
        hash += isLanded ? each.hash() : 0;
        if (each.isPresent() && !isLanded) {
          left.add(each);
        }
      }
      left.removeIf(slot -> !slot.isPresent());
      undeclared = left.size();
      Set<String> names = new TreeSet<>();
      left.forEach(slot -> names.add(PLAIN_KEY.matcher(slot.name).matches() ? slot.name : "?"));
      values[values.length - 2] = hash;
      values[values.length - 1] = names.isEmpty() ? null : StringData.fromString(String.join(",", names.stream().limit(MOST_KEYS).toList()));
    }
  }

  /** A key and its value in the record at hand: the text is bytes[from:to], of the record itself where possible. */
  private static class Slot {
    final String name;
    JsonToken token; // null: the record has no such key
    byte[] bytes;
    int from, to;

    Slot(String name) { this.name = name; }

    void set(byte[] text, int first, int end) {
      bytes = text;
      from = first;
      to = end;
    }

    boolean isPresent() { return token != null && token != JsonToken.VALUE_NULL; }

    boolean hasText() { return isPresent() && token.isScalarValue(); }

    boolean isEmpty() { return hasText() && from == to; }

    String text() { return new String(bytes, from, to - from, UTF_8); }

    /** The value as JSON. */
    String json() { return token == JsonToken.VALUE_STRING ? quoted(text()) : text(); }

    int indexIn(byte[][] words) {
      for (int i = 0; i < words.length; i++) {
        if (Arrays.equals(words[i], 0, words[i].length, bytes, from, to)) {
          return i;
        }
      }
      return -1;
    }
  }

  private enum Type {
    TEXT("STRING"), INTEGER("BIGINT"), NUMBER("DOUBLE"), MONEY("BIGINT"), BOOLEAN("BOOLEAN"), OBJECT("STRING");

    final String column;

    Type(String column) { this.column = column; }
  }

  /** A field of the contract and its value in the record at hand. */
  private static final class Field extends Slot {
    final Type type;
    final Map<String, Slot> members = new LinkedHashMap<>(); // of an object, in the order of its text
    final boolean[] isCarriedBy, isRequiredBy; // by number of the event type
    final byte[][][] onlyBy;
    final long min, max, seed;
    private final double lowest, highest;
    private final int shortest, longest;
    private final String reason, noneOf, onlyOf;
    private final byte[][] allowed;
    Collection<Slot> others;
    long value; // of what is no text: a double by its bits, false and true as 0 and 1

    Field(JsonNode rule, JsonNode envelope, JsonNode events) {
      super(rule.get("name").asText());
      type = Type.valueOf(rule.get("type").asText().toUpperCase(Locale.ROOT));
      rule.path("keys").forEach(key -> members.put(key.asText(), new Slot(key.asText())));
      min = rule.path("min").asLong(Long.MIN_VALUE);
      max = rule.path("max").asLong(type == Type.MONEY ? Long.MAX_VALUE / NANO : Long.MAX_VALUE);
      lowest = rule.path("min").asDouble(Double.NEGATIVE_INFINITY);
      highest = rule.path("max").asDouble(Double.POSITIVE_INFINITY);
      shortest = rule.path("length").asInt(0);
      longest = rule.path("length").asInt(rule.path("max_length").asInt(Integer.MAX_VALUE));
      reason = rule.path("reason").asText("too_long");
      noneOf = rule.path("none_of").asText("");
      onlyOf = rule.path("only_of").asText("");
      allowed = words(rule.path("enum"));
      isCarriedBy = new boolean[events.size()];
      isRequiredBy = new boolean[events.size()];
      onlyBy = new byte[events.size()][][];
      Iterator<JsonNode> each = events.iterator();
      for (int i = 0; each.hasNext(); i++) {
        JsonNode event = each.next();
        isCarriedBy[i] = has(envelope, name) || has(event.get("carried"), name);
        isRequiredBy[i] = has(event.get("required"), name);
        onlyBy[i] = words(event.path("only").path(name));
      }
      long hash = FNV_OFFSET;
      for (byte one : (name + "\0").getBytes(UTF_8)) {
        hash = (hash ^ one & 0xFF) * FNV_PRIME;
      }
      seed = hash;
    }

    String violation(int event) {
      String why = isPresent() ? violation() : null;
      if (why == null && isRequiredBy[event] && (!isPresent() || isEmpty())) {
        return "missing";
      }
      return why == null && isPresent() && onlyBy[event] != null && indexIn(onlyBy[event]) < 0 ? "not_allowed" : why;
    }

    private String violation() {
      if (hasText() ? type == Type.OBJECT : token != JsonToken.START_OBJECT || type != Type.OBJECT) {
        return "wrong_type";
      }
      return switch (type) {
        case TEXT -> textViolation();
        case INTEGER -> integerViolation();
        case NUMBER -> numberViolation();
        case MONEY -> moneyViolation();
        case BOOLEAN -> booleanViolation();
        case OBJECT -> objectViolation();
      };
    }

    private String textViolation() {
      int length = to - from;
      if (length > longest || shortest > 0) { // A code point has one byte or more, of which all but the first begin with 10.
        for (int i = from; i < to; i++) {
          length -= (bytes[i] & 0xC0) == 0x80 ? 1 : 0;
        }
      }
      boolean isRefused = length < shortest || length > longest || !(noneOf + onlyOf).isEmpty() && !text().codePoints().allMatch(this::isAllowed);
      return isRefused ? reason : allowed != null && indexIn(allowed) < 0 ? "not_allowed" : null;
    }

    private boolean isAllowed(int codePoint) { return noneOf.indexOf(codePoint) < 0 && (onlyOf.isEmpty() || onlyOf.indexOf(codePoint) >= 0); }

    private String integerViolation() {
      if (to - from > LONGEST_NUMBER || !INTEGER.matcher(text()).matches()) {
        return "wrong_type";
      }
      try {
        value = Long.parseLong(text());
      } catch (NumberFormatException error) {
        return "beyond_64_bits";
      }
      return value < min || value > max ? "out_of_range" : null;
    }

    private boolean isNumber() {
      return to - from <= LONGEST_NUMBER && NUMBER.matcher(text()).matches();
    }

    private String numberViolation() {
      if (!isNumber()) {
        return "wrong_type";
      }
      double number = Double.parseDouble(text()) + 0.0; // which makes -0.0 a zero as any other
      value = Double.doubleToLongBits(number);
      return Double.isInfinite(number) ? "beyond_64_bits" : number < lowest || number > highest ? "out_of_range" : null;
    }

    private String moneyViolation() {
      if (!isNumber()) {
        return "wrong_type";
      }
      BigDecimal dollars = new BigDecimal(text());
      if (bytes[from] == '-' || dollars.compareTo(BigDecimal.valueOf(max)) > 0) {
        return "out_of_range";
      }
      BigDecimal nanos = dollars.movePointRight(9).stripTrailingZeros();
      value = nanos.longValue();
      return nanos.scale() > 0 ? "too_precise" : null;
    }

    private String booleanViolation() {
      String text = text();
      value = text.equals("true") ? 1 : 0;
      return value == 1 || text.equals("false") ? null : "wrong_type";
    }

    private String objectViolation() {
      if (!others.isEmpty() || members.values().stream().anyMatch(member -> member.isPresent() && !member.hasText())) {
        return "unexpected_attribute";
      }
      StringJoiner text = new StringJoiner(",", "{", "}");
      members.values().stream().filter(Slot::isPresent).forEach(member -> text.add(quoted(member.name) + ":" + member.json()));
      byte[] canonical = text.toString().getBytes(UTF_8);
      set(canonical, 0, canonical.length);
      return null;
    }

    /** What the row holds; null when the event type does not carry the field. */
    Object landed() {
      return switch (type) {
        case TEXT, OBJECT -> StringData.fromBytes(bytes, from, to - from);
        case INTEGER, MONEY -> (Object) value;
        case NUMBER -> Double.longBitsToDouble(value);
        case BOOLEAN -> value == 1;
      };
    }

    /** FNV-1a of the name, a zero byte and the value, through murmur3's finaliser. */
    long hash() {
      long hash = seed;
      if (type == Type.TEXT || type == Type.OBJECT) {
        for (int i = from; i < to; i++) {
          hash = (hash ^ bytes[i] & 0xFF) * FNV_PRIME;
        }
      } else {
        for (int shift = type == Type.BOOLEAN ? 0 : 56; shift >= 0; shift -= 8) {
          hash = (hash ^ value >>> shift & 0xFF) * FNV_PRIME;
        }
      }
      hash = (hash ^ hash >>> 33) * 0xFF51AFD7ED558CCDL;
      hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
      return hash ^ hash >>> 33;
    }
  }

  /** A rule between fields: the sum of the parts is at most the whole and something. */
  private record Between(List<Field> parts, Field whole, long plus, String reason) {
    /** The first part that is present, when the rule is violated. In two halves, so that no sum overflows. */
    Field firstViolating() {
      Field first = null;
      long high = (whole.value >> 32) + (plus >> 32), low = (whole.value & LOW_HALF) + (plus & LOW_HALF);
      for (Field part : parts) {
        if (part.isPresent()) {
          first = first == null ? part : first;
          high -= part.value >> 32;
          low -= part.value & LOW_HALF;
        }
      }
      return whole.isPresent() && high + (low >> 32) < 0 ? first : null;
    }
  }

  /** The contract of one stream, as `contracts/rules.py` exports it. */
  static final class Rules {
    final String stream;
    final Map<String, Field> byName = new LinkedHashMap<>();
    final Map<String, String> columns = new LinkedHashMap<>(); // name to SQL type: the fields, then what the decoder adds
    final Field[] fields;
    final byte[][] events, regions;
    final List<Between> between = new ArrayList<>();

    Rules(String json) {
      JsonNode rules;
      try {
        rules = new ObjectMapper().readTree(json);
      } catch (JsonProcessingException error) {
        throw new ValidationException("daybook-json.rules: " + error.getMessage());
      }
      stream = rules.get("stream").asText();
      for (JsonNode rule : rules.get("fields")) {
        Field field = new Field(rule, rules.get("envelope"), rules.get("events"));
        byName.put(field.name, field);
        columns.put(field.name, field.type.column);
      }
      columns.put("payload_hash", Type.INTEGER.column);
      columns.put("undeclared_keys", Type.TEXT.column);
      fields = byName.values().toArray(new Field[0]);
      List<byte[]> names = new ArrayList<>();
      rules.get("events").fieldNames().forEachRemaining(name -> names.add(name.getBytes(UTF_8)));
      events = names.toArray(new byte[0][]);
      regions = words(rules.path("regions"));
      for (JsonNode rule : rules.path("between")) {
        List<Field> parts = new ArrayList<>();
        rule.get("parts").forEach(part -> parts.add(byName.get(part.asText())));
        between.add(new Between(parts, byName.get(rule.get("at_most").asText()), rule.path("plus").asLong(), rule.get("reason").asText()));
      }
    }
  }

  private static byte[][] words(JsonNode list) {
    List<byte[]> words = new ArrayList<>();
    list.forEach(word -> words.add(word.asText().getBytes(UTF_8)));
    return words.isEmpty() ? null : words.toArray(new byte[0][]);
  }

  private static boolean has(JsonNode list, String word) {
    for (JsonNode each : list) {
      if (each.asText().equals(word)) {
        return true;
      }
    }
    return false;
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char each : text.toCharArray()) {
      int named = "\"\\\b\t\n\f\r".indexOf(each);
      quoted.append(named >= 0 ? "\\" + "\"\\btnfr".charAt(named) : each < ' ' ? String.format("\\u%04X", (int) each) : String.valueOf(each));
    }
    return quoted.append('"').toString();
  }

  /** Ends the reading of a record; the message is the reason. */
  private static final class Refusal extends IOException {
    private static final long serialVersionUID = 1;

    Refusal(String reason) { super(reason); }

    @Override public Throwable fillInStackTrace() { return this; } // nobody reads it, and it costs more than the record
  }
}
