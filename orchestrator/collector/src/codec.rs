//! Requests over gRPC as bytes: who takes one reads it with the code that reads files, and who
//! passes one on need not read it at all.

use std::marker::PhantomData;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

/// A request as it is on the wire.
pub(crate) struct Raw;

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let all = from.remaining();
        Ok(Some(from.copy_to_bytes(all)))
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

/// For who serves: requests are bytes.
pub(crate) struct Serving<A>(PhantomData<A>);

impl<A> Serving<A> {
    pub(crate) fn new() -> Self {
        Serving(PhantomData)
    }
}

impl<A: prost::Message + 'static> Codec for Serving<A> {
    type Encode = A;
    type Decode = Bytes;
    type Encoder = ProstEncoder<A>;
    type Decoder = Raw;

    fn encoder(&mut self) -> ProstEncoder<A> {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

/// For who passes requests on. The answers of the three services are alike on the wire.
pub(crate) struct Passing;

impl Codec for Passing {
    type Encode = Bytes;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Raw;
    type Decoder = ProstDecoder<ExportTraceServiceResponse>;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::default()
    }
}
