//! A language model: an inference engine, what it takes, and the telemetry of its answers. Whoever asks it over HTTP and whoever
//! passes it as a stage finds the same.

use std::sync::Arc;

use ragdoll_model::topology;
use ragdoll_resources::engine::{Prompt, Stage};
use ragdoll_resources::{Engine, Generation, InFlight, Instance, ResourceError};
use ragdoll_telemetry::names::{
    GEN_AI_INPUT_TOKENS, GEN_AI_MODEL, GEN_AI_OPERATION, GEN_AI_OUTPUT_TOKENS,
    GEN_AI_TIME_IN_QUEUE, GEN_AI_TIME_TO_FIRST_TOKEN,
};
use ragdoll_telemetry::{KeyValue, RequestContext, log};
use tokio::sync::mpsc;

/// The model of one instance.
pub(crate) struct Generator {
    instance: Arc<Instance>,
    pub(crate) model: String,
    engine: Arc<Engine>,
    in_flight: InFlight,
}

impl Generator {
    /// Starts the engine.
    pub(crate) fn start(instance: &Arc<Instance>, spec: &topology::Llm) -> Generator {
        Generator {
            instance: instance.clone(),
            model: spec.model.clone(),
            engine: Engine::start(instance, spec),
            in_flight: InFlight::new(instance, spec.max_in_flight),
        }
    }

    /// The tokens that the model takes, prompt and answer together, where these are more.
    pub(crate) fn limit_exceeded(
        &self,
        context: &RequestContext,
        prompt_tokens: u32,
        output_tokens: u32,
    ) -> Option<u32> {
        let limit = self.instance.overrides(context).context_tokens?;
        (prompt_tokens.saturating_add(output_tokens) > limit).then_some(limit)
    }

    /// Generates, with spans and a log line of what the engine did.
    ///
    /// # Errors
    /// Where the engine, or the limit on requests in flight, refuses.
    pub(crate) async fn generate(
        &self,
        context: &RequestContext,
        prompt_tokens: u32,
        output_tokens: u32,
        progress: Option<mpsc::UnboundedSender<u32>>,
    ) -> Result<Generation, ResourceError> {
        let prompt = Prompt {
            prompt_tokens,
            output_tokens,
            progress,
        };
        let _admission = self.in_flight.enter().await?;
        let generation = self.engine.generate(context, prompt).await?;
        self.record(context, prompt_tokens, &generation);
        Ok(generation)
    }

    fn record(&self, context: &RequestContext, prompt_tokens: u32, generation: &Generation) {
        for segment in &generation.segments {
            if segment.stage == Stage::Queue && segment.start_us == segment.end_us {
                continue;
            }
            self.instance.telemetry.interval_until(
                segment.stage.span_name(),
                &context.span,
                segment.start_us,
                segment.end_us,
                Vec::new(),
            );
        }
        let total_us = generation.finished_us() - generation.arrived_us();
        log!(
            info,
            self.instance.telemetry,
            *context,
            "completion generated",
            model = self.model.as_str(),
            input_tokens = prompt_tokens,
            output_tokens = generation.output_tokens,
            generation_ms = total_us as f64 / 1000.0,
        );
    }

    /// What the server span says of an answer.
    pub(crate) fn attributes(&self, prompt_tokens: u32, generation: &Generation) -> Vec<KeyValue> {
        let to_first_token_us = generation.first_token_us - generation.arrived_us();
        vec![
            KeyValue::new(GEN_AI_OPERATION, "chat"),
            KeyValue::new(GEN_AI_MODEL, self.model.clone()),
            KeyValue::new(GEN_AI_INPUT_TOKENS, i64::from(prompt_tokens)),
            KeyValue::new(GEN_AI_OUTPUT_TOKENS, i64::from(generation.output_tokens)),
            KeyValue::new(
                GEN_AI_TIME_IN_QUEUE,
                generation.time_us(Stage::Queue) as f64 / 1e6,
            ),
            KeyValue::new(GEN_AI_TIME_TO_FIRST_TOKEN, to_first_token_us as f64 / 1e6),
        ]
    }
}
