/* Convolution by patches: the values under each position of the kernel become a column of a matrix, one row
   per channel and kernel element, and the convolution is a product by BLAS. */
#include "nn/kernels/convolution.h"

#include <cblas.h>
#include <string.h>

/* Row (channel, ky, kx) of the matrix, at one sample. */
typedef struct patch_row {
    size_t channel, ky, kx;
} patch_row;

static patch_row row_of(const tsr_convolution *conv, size_t k)
{
    size_t area = conv->kernel_h * conv->kernel_w;
    return (patch_row){ k / area, k % area / conv->kernel_w, k % conv->kernel_w };
}

static size_t n_rows(const tsr_convolution *conv)
{
    return conv->in.c * conv->kernel_h * conv->kernel_w;
}

/* The outputs o with 0 <= o stride + k - padding < size: from *first to before *end. */
static void covered(size_t k, size_t stride, size_t padding, size_t size, size_t outputs, size_t *first,
                    size_t *end)
{
    *first = k < padding ? (padding - k + stride - 1) / stride : 0;
    *end = k < size + padding ? (size + padding - k - 1) / stride + 1 : 0;
    if (*end > outputs)
        *end = outputs;
    if (*first > *end)
        *first = *end;
}

static void gather(const tsr_convolution *conv, const float *x, float *patches)
{
    for (size_t k = 0; k < n_rows(conv); k++) {
        patch_row row = row_of(conv, k);
        const float *plane = x + row.channel * conv->in.h * conv->in.w;
        size_t top, bottom, left, right;
        covered(row.ky, conv->stride_h, conv->padding_h, conv->in.h, conv->out.h, &top, &bottom);
        covered(row.kx, conv->stride_w, conv->padding_w, conv->in.w, conv->out.w, &left, &right);
        for (size_t oy = 0; oy < conv->out.h; oy++, patches += conv->out.w) {
            memset(patches, 0, conv->out.w * sizeof(float));
            if (oy < top || oy >= bottom)
                continue;
            const float *from = plane + (oy * conv->stride_h + row.ky - conv->padding_h) * conv->in.w;
            for (size_t ox = left; ox < right; ox++)
                patches[ox] = from[ox * conv->stride_w + row.kx - conv->padding_w];
        }
    }
}

/* The transpose of gather: adds each patch's values to where they came from. */
static void scatter(const tsr_convolution *conv, const float *patches, float *x)
{
    memset(x, 0, tsr_maps_size(conv->in) * sizeof(float));
    for (size_t k = 0; k < n_rows(conv); k++) {
        patch_row row = row_of(conv, k);
        float *plane = x + row.channel * conv->in.h * conv->in.w;
        size_t top, bottom, left, right;
        covered(row.ky, conv->stride_h, conv->padding_h, conv->in.h, conv->out.h, &top, &bottom);
        covered(row.kx, conv->stride_w, conv->padding_w, conv->in.w, conv->out.w, &left, &right);
        for (size_t oy = top; oy < bottom; oy++) {
            float *to = plane + (oy * conv->stride_h + row.ky - conv->padding_h) * conv->in.w;
            for (size_t ox = left; ox < right; ox++)
                to[ox * conv->stride_w + row.kx - conv->padding_w] += patches[oy * conv->out.w + ox];
        }
        patches += conv->out.h * conv->out.w;
    }
}

size_t tsr_convolve_plain_scratch(const tsr_convolution *conv)
{
    return n_rows(conv) * conv->out.h * conv->out.w;
}

void tsr_convolve_plain(const tsr_convolution *conv, const float *x, const float *w, const float *bias,
                        float *y, float *scratch)
{
    int channels = (int)conv->out.c, depth = (int)n_rows(conv), positions = (int)(conv->out.h * conv->out.w);
    for (size_t s = 0; s < conv->samples; s++) {
        float *out = y + s * tsr_maps_size(conv->out);
        gather(conv, x + s * tsr_maps_size(conv->in), scratch);
        for (size_t i = 0; bias && i < tsr_maps_size(conv->out); i++)
            out[i] = bias[i / (size_t)positions];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, channels, positions, depth, 1.0f, w, depth,
                    scratch, positions, bias ? 1.0f : 0.0f, out, positions);
    }
}

void tsr_convolve_plain_weight_gradient(const tsr_convolution *conv, const float *x, const float *dy,
                                        float *dw, float *scratch)
{
    int channels = (int)conv->out.c, depth = (int)n_rows(conv), positions = (int)(conv->out.h * conv->out.w);
    for (size_t s = 0; s < conv->samples; s++) {
        gather(conv, x + s * tsr_maps_size(conv->in), scratch);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, channels, depth, positions, 1.0f,
                    dy + s * tsr_maps_size(conv->out), positions, scratch, positions, s ? 1.0f : 0.0f, dw,
                    depth);
    }
}

void tsr_convolve_plain_input_gradient(const tsr_convolution *conv, const float *dy, const float *w,
                                       float *dx, float *scratch)
{
    int channels = (int)conv->out.c, depth = (int)n_rows(conv), positions = (int)(conv->out.h * conv->out.w);
    for (size_t s = 0; s < conv->samples; s++) {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, depth, positions, channels, 1.0f, w, depth,
                    dy + s * tsr_maps_size(conv->out), positions, 0.0f, scratch, positions);
        scatter(conv, scratch, dx + s * tsr_maps_size(conv->in));
    }
}
