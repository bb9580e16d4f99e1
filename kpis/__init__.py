"""What is counted: KPI and entity definitions, and the one compiler that turns them into SQL for every engine."""
