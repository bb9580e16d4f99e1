package daybook;

/** A Flink format that judges an event by its contract while it decodes it. */
public final class DaybookJson {
    private DaybookJson() {}
}
