package daybook;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.math.*;
import java.util.*;
import java.util.regex.Pattern;
import java.util.stream.*;
import org.apache.flink.api.common.serialization.*;
import org.apache.flink.configuration.*;
import org.apache.flink.core.memory.*;
import org.apache.flink.metrics.*;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.*;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.io.JsonStringEncoder;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.*;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.*;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.factories.*;
import org.apache.flink.table.types.DataType;

/**
 * A Flink format that judges an event by its contract while it decodes it: a typed row, or nothing. `contracts/validator.py` is the reference.
 * Metrics after `daybook.(stream)`: `accepted`, `bytes`, `undeclared_keys`, `refused.(reason)`, of which `decoder_failed` is a fault of this file.
 */
public final class DaybookJson {
  private static final Pattern PLAIN_KEY = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]{0,63}");
  private static final Pattern INTEGER = Pattern.compile("0|-?[1-9][0-9]*");
  private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]{1,3})?");
  private static final Pattern ESCAPE = Pattern.compile("\\\\([^u]|u[dD][89abAB]..\\\\u[dD][c-fC-F]|(u[dD][89a-fA-F]))");
  private static final Pattern NOT_A_NUMBER = Pattern.compile("Non-standard token '(NaN|-?Infinity)'.*"); // of what Jackson says
  private static final int LONGEST_NUMBER = 64, MOST_KEYS = 16, LONG_RECORD = 4096;
  private static final long FNV_OFFSET = 0xCBF29CE484222325L, FNV_PRIME = 0x100000001B3L, LOW_HALF = 0xFFFFFFFFL;
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
      if (!planned.equals(compiled)) throw new ValidationException("daybook-json.source: planned with decoder " + planned + ", and this is " + compiled);
      return new DecodingFormat<>() {
        @Override public ChangelogMode getChangelogMode() { return ChangelogMode.insertOnly(); }
        @Override public DeserializationSchema<RowData> createRuntimeDecoder(DynamicTableSource.Context context, DataType row) {
          return new Decoder(options.get(RULES), context, row);
        }
      };
    }
  }

  /** The judge in a job: makes rows of what it accepts, and counts. It is sent to the workers, so that it keeps only what can be serialised. */
  private static final class Decoder extends AbstractDeserializationSchema<RowData> {
    private static final long serialVersionUID = 1;
    private final String rules;
    private transient Judge judge;
    private transient MetricGroup metrics;
    private transient Map<String, Counter> counters;

    Decoder(String rules, DynamicTableSource.Context context, DataType row) {
      super(context.createTypeInformation(row));
      this.rules = rules;
      List<String> columns = new Judge(rules).columns;
      List<String> declared = DataType.getFields(row).stream().map(each -> each.getName() + " " + each.getDataType().nullable()).toList();
      if (!declared.equals(columns)) throw new ValidationException("daybook-json: the physical columns must be " + columns + " and are " + declared);
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
      return GenericRowData.of(judge.values);
    }

    private void count(String name, long more) { counters.computeIfAbsent(name, metrics::counter).inc(more); }
  }

  /** Judges one record after the other by the rules that `contracts/rules.py` exports; not to be shared between threads. */
  public static final class Judge {
    public final String stream;
    public final List<String> columns = new ArrayList<>(); // with their SQL types: the fields, then what the decoder adds
    public final Object[] values; // of an accepted record, in the order of the columns
    public String reason, field; // of a refused record: why it is refused, and the field that this is about, or null
    int undeclared; // keys of an accepted record that its event type does not carry
    private final Map<String, Field> byName = new LinkedHashMap<>();
    private final Field[] fields;
    private final byte[][] events, regions;
    private final List<Between> between = new ArrayList<>();
    private final List<Slot> filled = new ArrayList<>();
    private final JsonFactory factory = newFactory();
    private byte[] record;

    public Judge(String json) {
      JsonNode rules = parsed(json);
      stream = rules.get("stream").asText();
      for (JsonNode rule : rules.get("fields")) {
        Field each = new Field(rule, rules.get("envelope"), rules.get("events"));
        byName.put(each.name, each);
        columns.add(each.name + " " + each.type.column);
      }
      Collections.addAll(columns, "payload_hash BIGINT", "undeclared_keys STRING");
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
      reason = field = null;
      try {
        reason = bytes == null ? "null_value" : judge(bytes);
      } catch (JsonProcessingException error) {
        reason = NOT_A_NUMBER.matcher(error.getOriginalMessage()).matches() ? "not_a_number" : "malformed";
      } catch (IOException | RuntimeException error) {
        reason = "decoder_failed";
      }
      return reason == null;
    }

    private static JsonFactory newFactory() {
      int any = Integer.MAX_VALUE;
      var limits = StreamReadConstraints.builder().maxNestingDepth(100).maxNameLength(any).maxNumberLength(any).maxStringLength(any).build();
      return new JsonFactoryBuilder().streamReadConstraints(limits).disable(JsonFactory.Feature.CHARSET_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES).disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW).build();
    }

    private String judge(byte[] bytes) throws IOException {
      filled.forEach(slot -> slot.token = null);
      filled.clear();
      record = bytes;
      String text = new String(bytes, UTF_8); // Java puts U+FFFD where UTF-8 is broken, so that other bytes come back.
      if (!Arrays.equals(text.getBytes(UTF_8), bytes)) return "invalid_utf8";
      // A factory remembers 6,000 keys, however long they are: those of a long record are for another one.
      try (JsonParser parser = (bytes.length > LONG_RECORD ? newFactory() : factory).createParser(bytes)) {
        JsonToken first = parser.nextToken();
        if (first != JsonToken.START_OBJECT) return first == JsonToken.START_ARRAY ? "array" : "malformed";
        Collection<Slot> strangers = readMembers(parser, byName);
        int end = (int) parser.currentLocation().getByteOffset();
        while (end < bytes.length && " \n\r\t".indexOf(bytes[end]) >= 0) end++;
        if (end < bytes.length) return bytes[end] == '{' ? "several_objects" : "trailing_content";
        // In well-formed JSON every backslash begins an escape.
        boolean hasSurrogate = text.indexOf('\\') >= 0 && (text.contains("\\ud") || text.contains("\\uD"));
        if (hasSurrogate && ESCAPE.matcher(text).results().anyMatch(escape -> escape.group(2) != null)) return "half_surrogate";
        return reason != null ? reason : violation(strangers);
      }
    }

    /** Reads the object that is open into the slots of known keys; returns the slots of all others. */
    private Collection<Slot> readMembers(JsonParser parser, Map<String, ? extends Slot> known) throws IOException {
      Map<String, Slot> others = Map.of();
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        Slot slot = known.get(name);
        if (slot == null && others.isEmpty()) others = new HashMap<>();
        read(parser, slot != null ? slot : others.computeIfAbsent(name, Slot::new));
      }
      return others.values();
    }

    /** Points at the value in the record: only a string with escapes is copied. Jackson judges a string when it goes on to the next token. */
    private void read(JsonParser parser, Slot slot) throws IOException {
      if (slot.token != null) reason = "repeated_key";
      JsonToken token = slot.token = parser.nextToken();
      filled.add(slot);
      int from = (int) parser.currentTokenLocation().getByteOffset(), to = from;
      if (token == JsonToken.VALUE_STRING) {
        to = ++from;
        while (to < record.length && record[to] != '"' && record[to] != '\\') to++;
      } else if (token.isScalarValue()) {
        while (to < record.length && record[to] > ' ' && record[to] != ',' && record[to] != '}') to++;
      } else if (token == JsonToken.START_OBJECT && slot instanceof Field object && object.type == Type.OBJECT) {
        object.others = readMembers(parser, object.members);
      } else {
        parser.skipChildren();
      }
      slot.set(record, from, to);
      if (token == JsonToken.VALUE_STRING && to < record.length && record[to] == '\\') slot.set(parser.getText().getBytes(UTF_8));
    }

    /** The first violation of a well-formed record, with `field`; what it lands counts only when there is none. */
    private String violation(Collection<Slot> strangers) {
      Field region = byName.get(field = "region");
      if (regions.length > 0 && region.hasText() && region.indexIn(regions) < 0) return "wrong_region";
      Field type = byName.get(field = "event_type");
      int event = type.hasText() ? type.indexIn(events) : -1;
      if (event < 0) return type.isPresent() && !type.isEmpty() ? "unknown_event_type" : "missing";
      MemorySegment[] segments = {MemorySegmentFactory.wrap(record)};
      Set<String> names = new TreeSet<>();
      long hash = 0;
      for (int i = 0; i < fields.length; i++) {
        Field each = fields[i];
        field = each.name;
        if ((reason = each.violation(event)) != null) return reason;
        boolean isLanded = each.isPresent() && each.uses.get(event).isCarried;
        values[i] = isLanded ? each.landed(segments) : null;
        if (isLanded) hash += each.hash();
        else if (each.isPresent()) names.add(each.name);
      }
      for (Between rule : between) if ((field = rule.firstViolating()) != null) return rule.reason;
      strangers.stream().filter(Slot::isPresent).forEach(key -> names.add(PLAIN_KEY.matcher(key.name).matches() ? key.name : "?"));
      undeclared = names.size();
      values[fields.length] = hash;
      values[fields.length + 1] = names.isEmpty() ? null : StringData.fromString(String.join(",", names.stream().limit(MOST_KEYS).toList()));
      return null;
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
    void set(byte[] text, int first, int end) { bytes = text; from = first; to = end; }

    boolean isPresent() { return token != null && token != JsonToken.VALUE_NULL; }
    boolean hasText() { return isPresent() && token.isScalarValue(); }
    boolean isEmpty() { return hasText() && from == to; }
    String text() { return new String(bytes, from, to - from, UTF_8); }
    String json() { return token == JsonToken.VALUE_STRING ? quoted(text()) : text(); }

    int indexIn(byte[][] words) {
      for (int i = 0; i < words.length; i++) if (Arrays.equals(words[i], 0, words[i].length, bytes, from, to)) return i;
      return -1;
    }
  }

  private enum Type {
    TEXT("STRING"), INTEGER("BIGINT"), NUMBER("DOUBLE"), MONEY("BIGINT"), BOOLEAN("BOOLEAN"), OBJECT("STRING");
    final String column;
    Type(String column) { this.column = column; }
  }

  /** What an event type says of a field: the texts that it allows `only`, or none for any. */
  private record Use(boolean isCarried, boolean isRequired, byte[][] only) {}

  /** A field of the contract and its value in the record at hand. */
  private static final class Field extends Slot {
    final Type type;
    final Map<String, Slot> members = new LinkedHashMap<>(); // of an object, in the order of its text
    final List<Use> uses = new ArrayList<>(); // by number of the event type
    private final long seed;
    private final double min, max; // far from where a double has no room for every integer
    private final int shortest, longest;
    private final String reason;
    private final BitSet wrong = new BitSet(); // characters that a text has not
    private final byte[][] allowed;
    Collection<Slot> others; // members that the contract does not know
    long value; // of what is no text: a double by its bits, false and true as 0 and 1

    Field(JsonNode rule, JsonNode envelope, JsonNode events) {
      super(rule.get("name").asText());
      type = Type.valueOf(rule.get("type").asText().toUpperCase(Locale.ROOT));
      texts(rule.path("keys")).forEach(key -> members.put(key, new Slot(key)));
      min = rule.path("min").asDouble(Double.NEGATIVE_INFINITY);
      max = rule.path("max").asDouble(Double.POSITIVE_INFINITY);
      shortest = rule.path("length").asInt(0);
      longest = rule.path("length").asInt(rule.path("max_length").asInt(Integer.MAX_VALUE));
      reason = rule.path("reason").asText("too_long");
      if (rule.has("only_of")) wrong.set(0, Character.MAX_VALUE + 1);
      rule.path("only_of").asText().chars().forEach(wrong::clear);
      rule.path("none_of").asText().chars().forEach(wrong::set);
      allowed = bytesOf(texts(rule.path("enum")));
      for (JsonNode event : events) {
        boolean isCarried = texts(envelope).contains(name) || texts(event.get("carried")).contains(name);
        uses.add(new Use(isCarried, texts(event.get("required")).contains(name), bytesOf(texts(event.path("only").path(name)))));
      }
      set((name + "\0").getBytes(UTF_8));
      seed = fnv(FNV_OFFSET);
    }

    String violation(int event) {
      Use use = uses.get(event);
      if (!isPresent()) return use.isRequired ? "missing" : null;
      String why = violation();
      if (why == null && use.isRequired && isEmpty()) return "missing";
      return why == null && use.only.length > 0 && indexIn(use.only) < 0 ? "not_allowed" : why;
    }

    private String violation() {
      if (type == Type.OBJECT ? token != JsonToken.START_OBJECT : !hasText()) return "wrong_type";
      return switch (type) {
        case TEXT -> textViolation();
        case BOOLEAN -> (value = indexIn(BOOLEANS)) < 0 ? "wrong_type" : null;
        case OBJECT -> objectViolation();
        case INTEGER, NUMBER, MONEY -> to - from > LONGEST_NUMBER ? "wrong_type" : numericViolation(text());
      };
    }

    private String textViolation() {
      String text = shortest > 0 || to - from > longest || !wrong.isEmpty() ? text() : "";
      int length = text.codePointCount(0, text.length());
      if (length < shortest || length > longest) return reason;
      for (int i = 0; i < text.length(); i++) if (wrong.get(text.charAt(i))) return reason;
      return allowed.length > 0 && indexIn(allowed) < 0 ? "not_allowed" : null;
    }

    private String numericViolation(String text) {
      boolean isInteger = type == Type.INTEGER;
      // How a whole number is spelled, Jackson has judged, but for the sign of zero.
      if ((token != JsonToken.VALUE_NUMBER_INT || text.equals("-0")) && !(isInteger ? INTEGER : NUMBER).matcher(text).matches()) return "wrong_type";
      if (type == Type.MONEY) return moneyViolation(new BigDecimal(text));
      if (isInteger && text.length() > 18 && new BigInteger(text).bitLength() > 63) return "beyond_64_bits";
      value = isInteger ? Long.parseLong(text) : Double.doubleToLongBits(Double.parseDouble(text) + 0.0); // -0.0 becomes 0.0.
      double number = isInteger ? value : Double.longBitsToDouble(value);
      return Double.isInfinite(number) ? "beyond_64_bits" : number < min || number > max ? "out_of_range" : null;
    }

    private String moneyViolation(BigDecimal dollars) {
      if (bytes[from] == '-' || dollars.compareTo(new BigDecimal(max)) > 0) return "out_of_range";
      BigDecimal nanos = dollars.movePointRight(9).stripTrailingZeros();
      value = nanos.longValue();
      return nanos.scale() > 0 ? "too_precise" : null;
    }

    private String objectViolation() {
      if (!others.isEmpty() || members.values().stream().anyMatch(member -> member.isPresent() && !member.hasText())) return "unexpected_attribute";
      Stream<String> texts = members.values().stream().filter(Slot::isPresent).map(member -> quoted(member.name) + ":" + member.json());
      set(texts.collect(Collectors.joining(",", "{", "}")).getBytes(UTF_8));
      return null;
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
      long high = (whole.value >> 32) + (plus >> 32), low = (whole.value & LOW_HALF) + (plus & LOW_HALF);
      for (Field part : parts) {
        high -= part.isPresent() ? part.value >> 32 : 0;
        low -= part.isPresent() ? part.value & LOW_HALF : 0;
      }
      boolean isViolated = whole.isPresent() && high + (low >> 32) < 0;
      return isViolated ? parts.stream().filter(Slot::isPresent).map(part -> part.name).findFirst().orElse(null) : null;
    }
  }

  private static JsonNode parsed(String rules) {
    try {
      return new ObjectMapper().readTree(rules);
    } catch (JsonProcessingException error) {
      throw new ValidationException("daybook-json.rules: " + error.getMessage());
    }
  }

  private static List<String> texts(JsonNode list) { return StreamSupport.stream(list.spliterator(), false).map(JsonNode::asText).toList(); }
  private static byte[][] bytesOf(List<String> texts) { return texts.stream().map(each -> each.getBytes(UTF_8)).toArray(byte[][]::new); }
  private static String quoted(String text) { return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"'; }
}
