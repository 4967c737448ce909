//! The fixed columns of a segment's two Parquet files. FORMAT.md tells what each means.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::columns::ColumnPlan;
use super::directory::SEGMENT_VERSION;
use crate::limits::{PAGE_ROWS, ROW_GROUP_ROWS};

pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// The columns of the spans file: the fixed ones, then one per attribute of the plan.
pub fn spans_schema(plan: &ColumnPlan) -> Arc<Schema> {
    let mut fields = vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), false),
        Field::new("parent_span_id", DataType::FixedSizeBinary(8), true),
        Field::new("parent_distance", DataType::Int32, true),
        Field::new("trace_state", DataType::Utf8, true),
        Field::new("flags", DataType::UInt32, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("kind", DataType::Int32, false),
        Field::new("start", timestamp(), false),
        Field::new("duration", DataType::Int64, false),
        Field::new("status_code", DataType::Int32, false),
        Field::new("status_message", DataType::Utf8, true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("dropped_events_count", DataType::UInt32, false),
        Field::new("dropped_links_count", DataType::UInt32, false),
        Field::new("service", DataType::Utf8, false),
        Field::new("resource", DataType::Binary, false),
        Field::new("scope", DataType::Binary, false),
        Field::new("events", DataType::Binary, true),
        Field::new("links", DataType::Binary, true),
        Field::new("shape", DataType::Binary, true),
        Field::new("rest", DataType::Binary, true),
    ];
    fields.extend(plan.fields());
    Arc::new(Schema::new(fields))
}

/// The columns of the logs file.
pub fn logs_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), false),
        Field::new("span_id", DataType::FixedSizeBinary(8), true),
        Field::new("time", timestamp(), false),
        Field::new("observed_time", timestamp(), false),
        Field::new("severity_number", DataType::Int32, false),
        Field::new("severity_text", DataType::Utf8, true),
        Field::new("body", DataType::Utf8, true),
        Field::new("body_value", DataType::Binary, true),
        Field::new("attributes", DataType::Binary, true),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("flags", DataType::UInt32, false),
        Field::new("event_name", DataType::Utf8, true),
        Field::new("service", DataType::Utf8, false),
        Field::new("resource", DataType::Binary, false),
        Field::new("scope", DataType::Binary, false),
    ]))
}

/// How the files are written: random ids and times without dictionary; statistics only where readers skip by them.
pub fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(concat!("headwater ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "headwater.segment.version".to_owned(),
            SEGMENT_VERSION.to_string(),
        )]));
    for name in ["trace_id", "span_id", "parent_span_id"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    for name in ["start", "duration", "time", "observed_time"] {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    for name in ["trace_id", "start", "duration", "service", "name", "time"] {
        properties = properties.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Chunk);
    }
    properties.build()
}
