//! Products of vectors with the Hessian, by the R-operator (Pearlmutter 1994): the passes of a gradient, differentiated along v.
//!
//! With a dot for the derivative along v: of a layer that is linear in its input x and in its weights W,
//! `ẏ = V x + W ẋ`, `∂x˙ = Wᵀ ġ + Vᵀ g` and `∂W˙ = ġ xᵀ + g ẋᵀ`. ReLU and max pooling choose where the tangent goes as they
//! chose the number. Of softmax p and cross-entropy over M points, `ż ↦ p (ż − ⟨p, ż⟩) / M`. Normalization has a
//! [file](super::normalize) of its own.
//!
//! A gradient takes three matrix products a layer, one there and two back. A product with H takes eight: one there and one back,
//! which all vectors share, and two and four for each vector.

use super::along::{Along, Bending, Moving};
use super::blocks::broken;
use super::buffers::Buffer;
use super::normalize::Slant;
use super::{Chain, Kept, Operation, dropout};
use crate::data::Split;
use crate::error::Result;
use crate::net::averages::Averages;
use crate::net::curvature::Curvature;
use crate::net::loss::{bend, cross_entropy};
use crate::net::points::{Points, Real, labels};

/// What backward pass along v needs of an operation's forward pass along v.
struct Tangent<T> {
    /// Tangent of its input, in its frame if it needs one; nothing where the input does not move.
    input: Option<Buffer<T>>,
    slant: Option<Slant>,
}

/// The gradient after each operation that has parameters, where it is not 0.
type Gradients<T> = Vec<Option<Buffer<T>>>;

impl<T: Real> Chain<T> {
    /// The products of a matrix of second derivatives, of the mean cross-entropy over these points, with so many vectors, each
    /// handed to `done` with its place. Statistics are those of the points; nothing is dropped.
    ///
    /// Memory: all layers' inputs three times, for the Gauss–Newton matrix twice.
    pub(in crate::net) fn products(
        &mut self,
        split: &Split,
        points: &Points<'_>,
        matrix: Curvature,
        vectors: &[&[T]],
        done: &mut dyn FnMut(usize, &[T]),
    ) -> Result<()> {
        let count = points.len();
        let gathered = self.gathered(split, points);
        let data = gathered.as_deref().or(T::borrowed(split, points)).unwrap_or_default();
        let (kept, signal) = self.forward(data, count, Averages::Batch, None, self.first)?;
        self.logits.clear();
        self.logits.extend_from_slice(signal.as_deref().unwrap_or(data));
        signal.into_iter().for_each(|signal| self.numbers.give(signal));
        let gradients = match matrix {
            Curvature::Hessian => {
                let mut gradient = self.numbers.take(count * self.classes);
                cross_entropy(&self.logits, &labels(split, points), Some(&mut gradient));
                self.gradients(data, &kept, gradient)?
            }
            Curvature::GaussNewton => self.operations.iter().map(|_| None).collect(),
        };
        let mut total = self.numbers.take(self.x.len());
        for (place, v) in vectors.iter().enumerate() {
            let (tangents, outputs) = self.forth_along(data, count, &kept, v)?;
            let mut bent = self.numbers.take(count * self.classes);
            bend(&self.logits, &outputs, self.classes, &mut bent);
            self.numbers.give(outputs);
            self.back_along(data, &kept, &gradients, tangents, bent, v, &mut total)?;
            done(place, &total);
        }
        self.numbers.give(total);
        gradients.into_iter().flatten().for_each(|gradient| self.numbers.give(gradient));
        for Kept { input, choices, .. } in kept {
            input.into_iter().for_each(|input| self.numbers.give(input));
            choices.into_iter().for_each(|choices| self.choices.give(choices));
        }
        gathered.into_iter().for_each(|gathered| self.numbers.give(gathered));
        Ok(())
    }

    /// The backward pass of the gradient alone, without that of the weights: the gradient after each operation with parameters.
    fn gradients(&mut self, data: &[T], kept: &[Kept<T>], mut gradient: Buffer<T>) -> Result<Gradients<T>> {
        let Self { operations, first, numbers, x, .. } = self;
        let mut gradients: Gradients<T> = operations.iter().map(|_| None).collect();
        // Those of normalizations, which come beside and are not wanted.
        let mut total = numbers.take(x.len());
        for (place, ((operation, _), kept)) in operations.iter().zip(kept).enumerate().skip(*first).rev() {
            let needs = place > *first;
            let before = match operation {
                Operation::Transpose(transpose) => {
                    let mut before = numbers.take(gradient.len());
                    transpose.backward(&gradient, &mut before);
                    Some(before)
                }
                Operation::Dense(dense) if needs => {
                    let mut before = numbers.take(gradient.len() / dense.outputs * dense.inputs);
                    dense.back_to_input(x, &gradient, &mut before, numbers)?;
                    Some(before)
                }
                Operation::Convolution(convolution) if needs => Some(convolution.back_to_input(x, &gradient, numbers)?),
                Operation::Dense(_) | Operation::Convolution(_) => None,
                Operation::Normalize(normalize) => {
                    let input = kept.input.as_deref().unwrap_or(data);
                    let moments = kept.moments.as_ref().ok_or_else(|| broken("a normalization has kept no moments"))?;
                    if let Some(pooling) = &normalize.pooling {
                        let choices = kept.choices()?;
                        let mut before = numbers.take(input.len());
                        pooling.backward(&gradient, choices, &mut before);
                        numbers.give(std::mem::replace(&mut gradient, before));
                    }
                    let mut before = numbers.take(input.len());
                    before.copy_from_slice(&gradient);
                    normalize.backward(x, input, moments, &mut before, &mut total, false);
                    Some(before)
                }
                Operation::Relu => {
                    dropout::backward(T::one(), &mut gradient, kept.choices()?);
                    continue;
                }
                Operation::Dropout { .. } => continue,
                Operation::Pooling(pooling) => {
                    let mut before = numbers.take(gradient.len() / pooling.output() * pooling.input());
                    pooling.backward(&gradient, kept.choices()?, &mut before);
                    Some(before)
                }
            };
            let own = match before {
                Some(before) => std::mem::replace(&mut gradient, before),
                // The data needs none: there is nothing after this.
                None => std::mem::replace(&mut gradient, numbers.take(0)),
            };
            match operation {
                Operation::Dense(_) | Operation::Convolution(_) | Operation::Normalize(_) => {
                    gradients[place] = Some(own);
                }
                _ => numbers.give(own),
            }
        }
        numbers.give(gradient);
        numbers.give(total);
        Ok(gradients)
    }

    /// The forward pass along v: what each operation needs on its backward pass, and the tangent of the outputs.
    fn forth_along(
        &mut self,
        data: &[T],
        count: usize,
        kept: &[Kept<T>],
        v: &[T],
    ) -> Result<(Vec<Tangent<T>>, Buffer<T>)> {
        let Self { operations, first, numbers, x, .. } = self;
        let along = Along { x, v };
        let mut tangents: Vec<Tangent<T>> = Vec::with_capacity(operations.len());
        // Nothing yet: the data does not move.
        let mut signal: Option<Buffer<T>> = None;
        for (place, ((operation, size), kept)) in operations.iter().zip(kept).enumerate() {
            let mut own = Tangent { input: None, slant: None };
            if place >= *first {
                let at = kept.input.as_deref().unwrap_or(data);
                let behind = count * size;
                match operation {
                    Operation::Transpose(transpose) => {
                        if let Some(before) = signal.take() {
                            let mut output = numbers.take(behind);
                            transpose.forward(&before, &mut output);
                            numbers.give(before);
                            signal = Some(output);
                        }
                    }
                    Operation::Dense(dense) => {
                        let mut output = numbers.take(behind);
                        let input = Moving { at, tangent: signal.as_deref() };
                        dense.forth_along(&along, &input, &mut output, numbers)?;
                        own.input = signal.replace(output);
                    }
                    Operation::Convolution(convolution) => {
                        let mut output = numbers.take(behind);
                        if let Some(plain) = signal.take() {
                            own.input = match convolution.frame(&plain, numbers) {
                                Some(framed) => {
                                    numbers.give(plain);
                                    Some(framed)
                                }
                                None => Some(plain),
                            };
                        }
                        let input = Moving { at, tangent: own.input.as_deref() };
                        convolution.forth_along(&along, &input, &mut output, numbers)?;
                        signal = Some(output);
                    }
                    Operation::Normalize(normalize) => {
                        let mut output = numbers.take(behind);
                        let moved = signal.take().unwrap_or_else(|| {
                            let mut still = numbers.take(at.len());
                            still.fill(T::zero());
                            still
                        });
                        let moments =
                            kept.moments.as_ref().ok_or_else(|| broken("a normalization has kept no moments"))?;
                        let pooled = match &normalize.pooling {
                            Some(pooling) => Some((pooling, kept.choices()?)),
                            None => None,
                        };
                        own.slant = Some(normalize.forth_along(&along, moments, [at, &moved], pooled, &mut output));
                        (own.input, signal) = (Some(moved), Some(output));
                    }
                    Operation::Relu => {
                        if let Some(signal) = &mut signal {
                            dropout::backward(T::one(), signal, kept.choices()?);
                        }
                    }
                    Operation::Dropout { .. } => {}
                    Operation::Pooling(pooling) => {
                        if let Some(before) = signal.take() {
                            let mut output = numbers.take(behind);
                            pooling.pick(&before, kept.choices()?, &mut output);
                            numbers.give(before);
                            signal = Some(output);
                        }
                    }
                }
            }
            tangents.push(own);
        }
        Ok((tangents, signal.ok_or_else(|| broken("a net without parameters has no tangent"))?))
    }

    /// The backward pass along v: from the tangent of the outputs' gradient to that of the gradient of x, which is the product.
    #[allow(clippy::too_many_arguments)] // each is one thing, and all are of this pass alone
    fn back_along(
        &mut self,
        data: &[T],
        kept: &[Kept<T>],
        gradients: &Gradients<T>,
        tangents: Vec<Tangent<T>>,
        mut signal: Buffer<T>,
        v: &[T],
        total: &mut [T],
    ) -> Result<()> {
        let Self { operations, first, numbers, x, .. } = self;
        let along = Along { x, v };
        let parts = operations.iter().zip(kept).zip(tangents.into_iter().zip(gradients));
        for (place, (((operation, _), kept), (own, gradient))) in parts.enumerate().skip(*first).rev() {
            let needs = place > *first;
            let at = kept.input.as_deref().unwrap_or(data);
            let input = Moving { at, tangent: own.input.as_deref() };
            let before = match operation {
                Operation::Transpose(transpose) => {
                    let mut before = numbers.take(signal.len());
                    transpose.backward(&signal, &mut before);
                    Some(before)
                }
                Operation::Dense(dense) => {
                    let gradient = Bending { at: gradient.as_deref(), tangent: &signal };
                    dense.back_along(&input, &gradient, total)?;
                    if needs {
                        let mut before = numbers.take(signal.len() / dense.outputs * dense.inputs);
                        dense.back_to_input_along(&along, &gradient, &mut before, numbers)?;
                        Some(before)
                    } else {
                        None
                    }
                }
                Operation::Convolution(convolution) => {
                    let gradient = Bending { at: gradient.as_deref(), tangent: &signal };
                    convolution.back_along(&input, &gradient, total, numbers)?;
                    if needs { Some(convolution.back_to_input_along(&along, &gradient, numbers)?) } else { None }
                }
                Operation::Normalize(normalize) => {
                    let moments = kept.moments.as_ref().ok_or_else(|| broken("a normalization has kept no moments"))?;
                    if let Some(pooling) = &normalize.pooling {
                        let mut before = numbers.take(at.len());
                        pooling.backward(&signal, kept.choices()?, &mut before);
                        numbers.give(std::mem::replace(&mut signal, before));
                    }
                    match (gradient, &own.input, &own.slant) {
                        (Some(gradient), Some(moved), Some(slant)) => {
                            let rows = [at, moved, gradient];
                            normalize.back_along(&along, (moments, slant), rows, &mut signal, total);
                        }
                        // With a gradient of 0 its tangent goes back as a gradient does.
                        _ => normalize.backward(x, at, moments, &mut signal, total, false),
                    }
                    None
                }
                Operation::Relu => {
                    dropout::backward(T::one(), &mut signal, kept.choices()?);
                    None
                }
                Operation::Dropout { .. } => None,
                Operation::Pooling(pooling) => {
                    let mut before = numbers.take(signal.len() / pooling.output() * pooling.input());
                    pooling.backward(&signal, kept.choices()?, &mut before);
                    Some(before)
                }
            };
            if let Some(before) = before {
                numbers.give(std::mem::replace(&mut signal, before));
            }
            own.input.into_iter().for_each(|input| numbers.give(input));
        }
        numbers.give(signal);
        Ok(())
    }
}

impl<T> Kept<T> {
    fn choices(&self) -> Result<&[u16]> {
        self.choices.as_deref().ok_or_else(|| broken("a choice was not kept"))
    }
}
