//! Tables in Apache Parquet, column by column.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// A table whose columns are filled row by row.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    columns: Vec<Column>,
}

/// A column with its values.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Whether its values repeat so much that a dictionary of them is worth it.
    pub(crate) repeats: bool,
    pub(crate) values: Values,
}

/// Values of a column.
#[derive(Debug)]
pub(crate) enum Values {
    /// Text.
    Text(Texts),
    /// Text that may be missing.
    OptionalText(Texts, Vec<i16>),
    /// Moments, in nanoseconds since the Unix epoch.
    Times(Vec<i64>),
    /// Numbers.
    Numbers(Vec<f64>),
}

/// Texts end to end.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds the text that `write` appends.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn into_values(self) -> Vec<ByteArray> {
        let bytes = Bytes::from(self.bytes);
        let mut start = 0;
        let slice = |end: usize| {
            let value = bytes.slice(start..end);
            start = end;
            ByteArray::from(value)
        };
        self.ends.into_iter().map(slice).collect()
    }
}

impl Column {
    /// Text that is one of few.
    pub(crate) fn words(name: &'static str) -> Self {
        Column {
            name,
            repeats: true,
            values: Values::Text(Texts::default()),
        }
    }

    /// Text that is hardly ever the same twice.
    pub(crate) fn text(name: &'static str) -> Self {
        Column {
            repeats: false,
            ..Column::words(name)
        }
    }

    /// Such text where there is one.
    pub(crate) fn optional(name: &'static str) -> Self {
        Column {
            name,
            repeats: false,
            values: Values::OptionalText(Texts::default(), Vec::new()),
        }
    }

    pub(crate) fn times(name: &'static str) -> Self {
        Column {
            name,
            repeats: false,
            values: Values::Times(Vec::new()),
        }
    }

    pub(crate) fn numbers(name: &'static str) -> Self {
        Column {
            name,
            repeats: false,
            values: Values::Numbers(Vec::new()),
        }
    }

    /// Adds the text that `write` appends.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        match &mut self.values {
            Values::Text(texts) => texts.push_with(write),
            Values::OptionalText(texts, present) => {
                texts.push_with(write);
                present.push(1);
            }
            other => panic!("{} holds {other:?}, not text", self.name),
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.push_with(|bytes| bytes.extend_from_slice(text.as_bytes()));
    }

    /// Adds a row without a value.
    pub(crate) fn push_none(&mut self) {
        match &mut self.values {
            Values::OptionalText(_, present) => present.push(0),
            other => panic!(
                "{} holds {other:?}, none of which may be missing",
                self.name
            ),
        }
    }

    pub(crate) fn push_time(&mut self, time_ns: u64) {
        match &mut self.values {
            Values::Times(times) => times.push(time_ns.cast_signed()),
            other => panic!("{} holds {other:?}, no times", self.name),
        }
    }

    pub(crate) fn push_number(&mut self, number: f64) {
        match &mut self.values {
            Values::Numbers(numbers) => numbers.push(number),
            other => panic!("{} holds {other:?}, no numbers", self.name),
        }
    }

    /// The column as Parquet's schemas are written.
    fn schema(&self) -> String {
        let kind = match self.values {
            Values::Text(_) => "REQUIRED BYTE_ARRAY",
            Values::OptionalText(..) => "OPTIONAL BYTE_ARRAY",
            Values::Times(_) => "REQUIRED INT64",
            Values::Numbers(_) => "REQUIRED DOUBLE",
        };
        let meaning = match self.values {
            Values::Text(_) | Values::OptionalText(..) => " (STRING)",
            Values::Times(_) => " (TIMESTAMP(NANOS,true))",
            Values::Numbers(_) => "",
        };
        format!("{kind} {}{meaning};", self.name)
    }

    fn write(self, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<()> {
        let Some(mut column) = group.next_column()? else {
            panic!("the schema has no column {}", self.name);
        };
        match self.values {
            Values::Text(texts) => {
                let typed = column.typed::<ByteArrayType>();
                typed.write_batch(&texts.into_values(), None, None)?;
            }
            Values::OptionalText(texts, present) => {
                let typed = column.typed::<ByteArrayType>();
                typed.write_batch(&texts.into_values(), Some(&present), None)?;
            }
            Values::Times(times) => {
                let typed = column.typed::<Int64Type>();
                typed.write_batch(&times, None, None)?;
            }
            Values::Numbers(numbers) => {
                let typed = column.typed::<DoubleType>();
                typed.write_batch(&numbers, None, None)?;
            }
        }
        column.close()
    }
}

impl Table {
    /// A table of this name with these columns, all of the same length.
    pub(crate) fn new(name: &'static str, columns: Vec<Column>) -> Self {
        Table { name, columns }
    }

    /// The table as a file, compressed with zstd.
    ///
    /// # Errors
    /// Columns that the format cannot hold.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>> {
        let columns: Vec<String> = self.columns.iter().map(Column::schema).collect();
        let schema = format!("message {} {{ {} }}", self.name, columns.join(" "));
        let schema = Arc::new(parse_message_type(&schema)?);
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("ragdoll {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        for column in &self.columns {
            let path = vec![column.name.to_owned()].into();
            properties = properties.set_column_dictionary_enabled(path, column.repeats);
        }
        let properties = Arc::new(properties.build());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
        let mut group = writer.next_row_group()?;
        for column in self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        writer.into_inner()
    }
}
