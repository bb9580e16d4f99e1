import daybook.DaybookJson;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.io.JsonStringEncoder;

/**
 * Drives the decoder's judge without Flink. Standard input: the length and the bytes of the rules, then of every record (-1: no value).
 * Standard output: a line per record: what lands, in the order of the columns (doubles by their bits), or the reason and the field.
 */
final class DecoderHarness {
  private static final int FLUSH = -2; // in the place of a length: whoever writes waits for the answers

  public static void main(String[] arguments) throws Exception {
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 20));
    OutputStream out = new BufferedOutputStream(System.out, 1 << 20);
    DaybookJson.Judge judge = new DaybookJson.Judge(new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
    try {
      while (true) {
        int length = in.readInt();
        if (length == FLUSH) {
          out.flush();
          continue;
        }
        boolean isAccepted = judge.accepts(length < 0 ? null : in.readNBytes(length));
        out.write((isAccepted ? row(judge.values) : "[" + json(judge.reason) + "," + json(judge.field) + "]").getBytes(StandardCharsets.UTF_8));
        out.write('\n');
      }
    } catch (EOFException end) {
      out.flush();
    }
  }

  private static String row(Object[] values) {
    StringBuilder line = new StringBuilder("{\"row\":[");
    for (Object value : values) {
      line.append(json(value)).append(',');
    }
    line.setCharAt(line.length() - 1, ']');
    return line.append('}').toString();
  }

  private static String json(Object value) {
    if (value == null || value instanceof Long || value instanceof Boolean) {
      return String.valueOf(value);
    }
    if (value instanceof Double) {
      return String.valueOf(Double.doubleToRawLongBits((Double) value));
    }
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(value.toString())) + '"';
  }
}
