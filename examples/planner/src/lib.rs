//! A planner: it asks two indexes at once, does with one of them where the other fails, and has a model write the
//! answer.

use futures_util::future::join;
use ragdoll::{Bytes, Code, Failure, Request};

/// Answers a question.
///
/// # Errors
/// Where neither index answers, or the model does not.
pub async fn plan(request: Request) -> Result<Bytes, Failure> {
    request.work_ms(2.0).await;
    let question = request.payload().clone();
    let documents = request.call("documents", question.clone());
    let tickets = request.call("tickets", question);
    let context = match join(documents, tickets).await {
        (Ok(documents), Ok(tickets)) => [documents, tickets].concat(),
        (Ok(one), Err(failure)) | (Err(failure), Ok(one)) => {
            request.log(&format!("one index for two: {failure}"));
            one.to_vec()
        }
        (Err(failure), Err(_)) => {
            let why = format!("no index answers: {}", failure.message);
            return Err(Failure::new(Code::Unavailable, why));
        }
    };
    request.call("llm", context).await
}
